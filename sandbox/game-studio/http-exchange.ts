/** One POST over the bare socket, so that a caller can also misbehave: hang up early, dribble its body, cut it off. */
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

export interface ExchangeFaults {
  /** The whole request is sent; this long afterwards the socket is destroyed, answer or not. */
  dropReplyAfterMs?: number;
  /** The body leaves in ten pieces over this time. */
  bodyOverMs?: number;
  /** Half of the announced body is sent, then the socket is destroyed. */
  cutBody?: boolean;
}

export interface Exchange extends ExchangeFaults {
  url: string;
  headers: Readonly<Record<string, string>>;
  body: Buffer;
  timeoutMs: number;
}

/** What came back, or how it broke: `dropped` and `cut` are the caller's own doing. */
export type Exchanged =
  | { http: number; text: string }
  | { http: 'timeout' | 'network' | 'dropped' | 'cut'; text: '' };

const bodyPieces = 10;
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export function exchange(call: Exchange): Promise<Exchanged> {
  return new Promise((resolve) => {
    const target = new URL(call.url);
    const secure = target.protocol === 'https:';
    const request = (secure ? httpsRequest : httpRequest)(target, {
      method: 'POST',
      // Each call has a socket of its own: a kept one may be closed by the other side just as it is used again, and that
      // would look like a fault of the wallet. Some are destroyed, too.
      agent: false,
      headers: { ...call.headers, 'content-length': String(call.body.length) },
    });
    const timer = setTimeout(() => end('timeout'), call.timeoutMs);
    let ended = false;
    function end(how: 'timeout' | 'network' | 'dropped' | 'cut'): void {
      if (ended) return;
      ended = true;
      clearTimeout(timer);
      request.destroy();
      resolve({ http: how, text: '' });
    }
    request.on('error', () => end('network'));
    request.on('response', (response: IncomingMessage) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', () => end('network'));
      response.on('end', () => {
        if (ended) return;
        ended = true;
        clearTimeout(timer);
        resolve({ http: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') });
      });
    });
    if (call.cutBody === true) {
      request.write(call.body.subarray(0, Math.floor(call.body.length / 2)), () => setTimeout(end, 5, 'cut'));
    } else if (call.bodyOverMs !== undefined) {
      dribble(request, call.body, call.bodyOverMs).catch(() => end('network'));
    } else {
      const { dropReplyAfterMs } = call;
      request.end(call.body, () => {
        if (dropReplyAfterMs !== undefined) setTimeout(end, dropReplyAfterMs, 'dropped');
      });
    }
  });
}

async function dribble(
  request: { write(piece: Buffer): boolean; end(): void },
  body: Buffer,
  overMs: number,
): Promise<void> {
  const size = Math.ceil(body.length / bodyPieces);
  for (let from = 0; from < body.length; from += size) {
    request.write(body.subarray(from, from + size));
    await pause(overMs / bodyPieces);
  }
  request.end();
}
