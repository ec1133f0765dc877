'use strict';
// Everything here adds to a page that is complete without it.

// Arms are shown and hidden in all pictures at once.
document.getElementById('legend').hidden = false;
for (const box of document.querySelectorAll('#legend input')) {
  box.addEventListener('change', () => {
    for (const part of document.querySelectorAll('figure [data-arm]')) {
      if (part.dataset.arm === box.dataset.arm) part.classList.toggle('off', !box.checked);
    }
  });
}

// A point says its value at once, not after the browser's delay.
const tip = document.getElementById('tip');
document.addEventListener('pointerover', (event) => {
  const title = event.target.closest?.('.pt')?.querySelector('title');
  tip.hidden = !title;
  if (!title) return;
  tip.textContent = title.textContent;
  const left = Math.min(event.clientX + 12, window.innerWidth - tip.offsetWidth - 8);
  tip.style.left = Math.max(8, left) + 'px';
  tip.style.top = Math.max(8, event.clientY - tip.offsetHeight - 12) + 'px';
});

// The raw table sorts by any column, numbers as numbers.
const table = document.getElementById('raw-table');
[...table.tHead.rows[0].cells].forEach((head, column) => {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = head.textContent;
  head.replaceChildren(button);
  button.addEventListener('click', () => {
    const down = head.getAttribute('aria-sort') === 'ascending';
    for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
    head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
    const compare = (a, b) => {
      const [x, y] = [key(a), key(b)];
      if (x === '' || y === '') return (x === '') - (y === ''); // not measured: last when ascending
      const [n, m] = [Number(x), Number(y)];
      return Number.isNaN(n) || Number.isNaN(m) ? x.localeCompare(y) : n - m;
    };
    const rows = [...table.tBodies[0].rows].sort(compare);
    if (down) rows.reverse();
    table.tBodies[0].replaceChildren(...rows);
  });
});

// The data can be taken along.
function offer(label, name, type, make) {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = label;
  button.addEventListener('click', () => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([make()], { type }));
    link.download = name;
    link.click();
    URL.revokeObjectURL(link.href);
  });
  document.getElementById('downloads').append(button);
}
offer('Download as JSON', 'report.json', 'application/json', () => document.getElementById('data').textContent);
offer('Download as CSV', 'report.csv', 'text/csv', () => {
  const quote = (text) => '"' + text.replaceAll('"', '""') + '"';
  const value = (cell) => cell.dataset.value ?? cell.textContent;
  return [...table.rows].map((row) => [...row.cells].map((cell) => quote(value(cell))).join(',')).join('\r\n') + '\r\n';
});

// Print shows all of the evidence, and a button does.
const cards = document.querySelectorAll('details.card');
const unfold = document.getElementById('unfold');
if (unfold) {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = 'Open all';
  button.addEventListener('click', () => {
    const open = button.textContent === 'Open all';
    for (const card of cards) card.open = open;
    button.textContent = open ? 'Close all' : 'Open all';
  });
  unfold.append(button);
}
let closed = [];
window.addEventListener('beforeprint', () => {
  closed = [...cards].filter((card) => !card.open);
  for (const card of closed) card.open = true;
});
window.addEventListener('afterprint', () => {
  for (const card of closed) card.open = false;
});

// A link to a claim opens it.
function openTarget() {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target?.tagName === 'DETAILS') target.open = true;
}
window.addEventListener('hashchange', openTarget);
openTarget();
