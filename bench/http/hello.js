// The same page by Node's http module.
const http = require('http');
const page = Buffer.from('Hello, world!');
const server = http.createServer((request, response) => {
  response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': page.length });
  response.end(page);
});
server.keepAliveTimeout = 60000;
server.listen(0, '127.0.0.1', 1000, () => console.log(`port ${server.address().port}`));
