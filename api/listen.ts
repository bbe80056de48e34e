/** The API on a socket, with the limits on what a client may hold open. */
import { createServer, type Server, type ServerOptions } from 'node:http';
import { serve } from '@hono/node-server';
import { httpLimits } from './http-limits.ts';
import type { Api } from './app.ts';

export function listen(
  api: Pick<Api, 'fetch'>,
  address: { readonly host: string; readonly port: number },
  limits: ServerOptions = httpLimits,
): Server {
  const server = serve({
    fetch: api.fetch,
    hostname: address.host,
    port: address.port,
    createServer,
    serverOptions: limits,
  });
  if (!('headersTimeout' in server)) throw new Error('Invariant broken: the server speaks HTTP/1');
  return server as Server;
}
