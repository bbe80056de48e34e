/** The doors through which each dialect's wallet calls come in; how we speak to its providers is in `activities/games/configured-providers.ts`. */
import type { WalletDialect } from '#domain/games/dialects.ts';
import type { Context } from 'hono';
import type { ApiDeps, ApiEnv } from '../context.ts';
import { mountA8rV1 } from './a8r-play.ts';
import { mountA8rV2 } from './a8r-twirp.ts';
import { mountCaleta, mountHub88 } from './hub88.ts';

export type Serve = (c: Context<ApiEnv>) => Promise<Response>;

/** Where a dialect puts its calls. */
export type Doors = { readonly post: (path: string, serve: Serve) => unknown };

export type DialectDoor = {
  /** Where the calls are, after `/wallet/` and before the integration. */
  readonly path: string;
  readonly mount: (doors: Doors, deps: ApiDeps) => void;
};

export const dialectDoors: Readonly<Record<WalletDialect, DialectDoor>> = {
  hub88: { path: 'hub88', mount: mountHub88 },
  caleta: { path: 'caleta', mount: mountCaleta },
  'a8r-v2': { path: 'a8r/v2', mount: mountA8rV2 },
  'a8r-v1': { path: 'a8r/v1', mount: mountA8rV1 },
};
