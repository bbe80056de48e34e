/** What takes wallet calls in: straight from Node's server, and as standard requests for whoever has no socket. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerHeaders, headerIn } from './request-start.ts';
import type { WalletAnswer } from './games/wallet-call.ts';
import type { WalletDoors } from './wallet-doors.ts';

/**
 * Answers one request of Node's server. A caller that goes away before its body is whole has asked for nothing; of a body
 * that is too large the rest is read and dropped, for as long as a request may take, so that the answer is heard.
 */
export function answerIncoming(
  doors: WalletDoors,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): void {
  const { headers } = incoming;
  const header = (name: string): string | undefined => headerIn(headers, name);
  const answer = (body: Buffer | null): void => {
    const { method = '', url = '', socket } = incoming;
    void doors
      .answer({ method, target: url, peer: socket.remoteAddress ?? null, header, body })
      .then((given) => write(outgoing, given.answer, given.requestId));
  };
  // What a declared length settles is refused before it is read.
  if (Number(headers['content-length'] ?? 0) > doors.bodyBytesMax) return answer(null);
  const chunks: Buffer[] = [];
  let size = 0;
  incoming.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size <= doors.bodyBytesMax) chunks.push(chunk);
    else if (size - chunk.length <= doors.bodyBytesMax) answer(null);
  });
  incoming.on('end', () => {
    if (size <= doors.bodyBytesMax)
      answer(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks));
  });
}

function write(outgoing: ServerResponse, answer: WalletAnswer, requestId: string): void {
  const { status, text } = answer;
  outgoing.writeHead(status, {
    ...headersOf(answer, requestId),
    'content-length': Buffer.byteLength(text),
  });
  outgoing.end(text);
}

/** Path and query of a whole address. */
export const targetOf = (url: string): string => url.slice(url.indexOf('/', url.indexOf('//') + 2));

/** What a server adds to a standard request. */
export type Served = { readonly incoming?: { readonly socket: { readonly remoteAddress?: string } } };

/** Answers a standard request; it has no socket unless the server that made it says so. */
export async function answerRequest(
  doors: WalletDoors,
  request: Request,
  { incoming }: Served = {},
): Promise<Response> {
  const { method, url, headers } = request;
  const declared = Number(headers.get('content-length') ?? 0);
  const read = declared > doors.bodyBytesMax ? null : Buffer.from(await request.arrayBuffer());
  const { answer, requestId } = await doors.answer({
    method,
    target: targetOf(url),
    peer: incoming?.socket.remoteAddress ?? null,
    header: (name) => headers.get(name) ?? undefined,
    body: read !== null && read.length > doors.bodyBytesMax ? null : read,
  });
  return new Response(answer.text, { status: answer.status, headers: headersOf(answer, requestId) });
}

const headersOf = (
  { contentType, retryAfterS }: WalletAnswer,
  requestId: string,
): Record<string, string> => ({
  'content-type': contentType,
  ...answerHeaders(requestId),
  ...(retryAfterS === undefined ? null : { 'Retry-After': String(retryAfterS) }),
});
