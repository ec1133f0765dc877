package agent

// PID is the process of ssh, which is the way to the agent.
func (h *Host) PID() int { return h.pipe.cmd.Process.Pid }
