/** The API on a socket, with the limits on what a client may hold open. */
import { createServer, type Server, type ServerOptions } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { ServedApi } from './app.ts';
import { httpLimits } from './http-limits.ts';
import { isWalletPath } from './wallet-doors.ts';
import { answerIncoming } from './wallet-fronts.ts';

export function listen(
  api: Pick<ServedApi, 'fetch' | 'walletDoors'>,
  address: { readonly host: string; readonly port: number },
  limits: ServerOptions = httpLimits,
): Server {
  const others = getRequestListener(api.fetch, { hostname: address.host });
  const server = createServer(limits, (incoming, outgoing) => {
    if (isWalletPath(incoming.url ?? '')) answerIncoming(api.walletDoors, incoming, outgoing);
    else void others(incoming, outgoing);
  });
  return server.listen(address.port, address.host);
}
