/** One keep-alive connection that sends prepared requests one after the other: a load tool that costs little itself. */
import { connect } from 'node:net';

export type Answer = { readonly tookMs: number; readonly isAccepted: boolean; readonly text: string };

export type BetConnection = {
  readonly send: (request: Buffer) => Promise<Answer>;
  readonly close: () => void;
};

/** Resolves when connected. A connection that breaks rejects what is under way. */
export function openBetConnection(port: number): Promise<BetConnection> {
  const { promise, resolve, reject } = Promise.withResolvers<BetConnection>();
  let received = '';
  let startedAt = 0;
  let waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | null = null;
  const broken = (error: Error): void => {
    reject(error);
    waiting?.reject(error);
  };
  const hear = (said: string): void => {
    received += said;
    const bodyAt = received.indexOf('\r\n\r\n') + 4;
    if (bodyAt < 4) return;
    const length = Number(/content-length: (\d+)/i.exec(received)?.[1] ?? Number.NaN);
    if (Number.isNaN(length)) broken(new Error(`An answer without a length: ${received.slice(0, 200)}`));
    if (received.length < bodyAt + length) return;
    const text = received;
    received = '';
    waiting?.resolve({ tookMs: performance.now() - startedAt, isAccepted: text.includes('"RS_OK"'), text });
  };
  const chunk = Buffer.alloc(16_384);
  const socket = connect({
    port,
    host: '127.0.0.1',
    noDelay: true,
    // Into one buffer and past the stream: the processor time of the load tool is the server's, too.
    onread: {
      buffer: chunk,
      callback: (size) => {
        hear(chunk.toString('latin1', 0, size));
        return true;
      },
    },
  });
  socket.on('error', broken);
  socket.on('close', () => broken(new Error('The API closed the connection.')));
  socket.resume();
  socket.on('connect', () =>
    resolve({
      send: (request) => {
        startedAt = performance.now();
        return new Promise((done, failed) => {
          waiting = { resolve: done, reject: failed };
          socket.write(request);
        });
      },
      close: () => socket.destroy(),
    }),
  );
  return promise;
}
