// Reads octets as text: what is no UTF-8 comes back as replacement characters.
const net = require('node:net');

net.createServer({allowHalfOpen: true}, (client) => {
  client.setEncoding('utf8');
  client.on('error', () => client.destroy());
  client.pipe(client);
}).listen(Number(process.argv[2]));
