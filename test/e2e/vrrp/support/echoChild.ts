/** Run inside a namespace: answers every chunk with a name before it. `bun echoChild.ts HOST PORT NAME` */
const [hostname = "", port = "", name = ""] = process.argv.slice(2);

Bun.listen({
  hostname,
  port: Number(port),
  socket: {
    data(socket, bytes) {
      socket.write(Buffer.concat([Buffer.from(name), bytes]));
    },
  },
});
console.log("listening");
