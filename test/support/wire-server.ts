/** An HTTP server that plays an outside party on the wire: it keeps every request as raw bytes and answers by script. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type WireRequest = {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly raw: Buffer;
  /** Parsed for the test's own reading; null where it is no JSON. */
  readonly body: Record<string, unknown> | null;
};

export type WireAnswer = {
  readonly status?: number;
  /** Text as it is, anything else as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

/** Answers a request, or takes the response over to misbehave. */
export type WireScript = (request: WireRequest, response: ServerResponse) => WireAnswer | 'taken-over';

export type WireServer = {
  readonly url: string;
  readonly requests: WireRequest[];
  script: WireScript;
  close(): Promise<void>;
};

export async function startWireServer(script: WireScript = () => ({ status: 404 })): Promise<WireServer> {
  const requests: WireRequest[] = [];
  const server = createServer((message, response) => {
    const chunks: Buffer[] = [];
    message.on('data', (chunk: Buffer) => chunks.push(chunk));
    message.on('end', () => {
      const raw = Buffer.concat(chunks);
      const request = {
        method: message.method ?? '',
        path: message.url ?? '',
        headers: message.headers,
        raw,
        body: parseObject(raw.toString('utf8')),
      };
      requests.push(request);
      const answer = wire.script(request, response);
      if (answer === 'taken-over') return;
      const { status = 200, body, headers = {} } = answer;
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(typeof body === 'string' ? body : JSON.stringify(body ?? {}));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const wire: WireServer = {
    url: `http://127.0.0.1:${port}`,
    requests,
    script,
    close: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
  return wire;
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === 'object' ? { ...value } : null;
  } catch {
    return null;
  }
}
