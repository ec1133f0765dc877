'use strict';

const app = require('fastify')();
const items = new Map([[1, 'first']]);
let last = 1;

const item = {
  type: 'object',
  required: ['name'],
  properties: { name: { type: 'string', minLength: 1 } },
};

app.get('/healthz', (request, reply) => reply.code(204).send());

app.get('/items/:id', (request, reply) => {
  const id = Number(request.params.id);
  if (!items.has(id)) {
    return reply.code(404).send({ error: 'no such item' });
  }
  return reply.send({ id, name: items.get(id) });
});

app.post('/items', {
  onRequest: (request, reply, done) => {
    if (request.headers['x-api-key'] !== 'example') {
      return reply.code(401).send({ error: 'the header X-Api-Key is missing or wrong' });
    }
    return done();
  },
  schema: { body: item },
}, (request, reply) => {
  last += 1;
  items.set(last, request.body.name);
  items.delete(last - 10000); // an example must not fill the memory
  return reply.code(201).send({ id: last, name: request.body.name });
});

app.listen({ host: process.env.HOST, port: Number(process.env.PORT) }, (error) => {
  if (error) {
    throw error;
  }
});
