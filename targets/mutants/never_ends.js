// Takes the end of the client into its own hands (allowHalfOpen), and then has none: its own side stays open for ever.
const net = require('node:net');

net.createServer({allowHalfOpen: true}, (client) => {
  client.on('error', () => client.destroy());
  client.resume();
}).listen(Number(process.argv[2]));
