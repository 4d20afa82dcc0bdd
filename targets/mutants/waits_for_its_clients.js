// Ends in order: close() takes no new clients, and waits for those that are there, however long they stay.
const net = require('node:net');

const server = net.createServer({allowHalfOpen: true}, (client) => {
  client.on('error', () => client.destroy());
  client.on('end', () => client.end());
  client.resume();
});
server.listen(Number(process.argv[2]));
process.on('SIGTERM', () => server.close());
