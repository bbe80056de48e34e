/** The doors through which each dialect's wallet calls come in; how we speak to its providers is in `activities/games/configured-providers.ts`. */
import type { Failure } from '#domain/failures.ts';
import type { WalletDialect } from '#domain/games/dialects.ts';
import type { ApiDeps } from '../context.ts';
import { a8rV1, mountA8rV1 } from './a8r-play.ts';
import { a8rV2, mountA8rV2 } from './a8r-twirp.ts';
import { mountCaleta, mountHub88, refuseInStatus } from './hub88.ts';
import type { WalletAnswer, WalletCall } from './wallet-call.ts';

/** Must not throw what its caller is to read: a refusal is an answer in the dialect's words. */
export type Serve = (call: WalletCall) => Promise<WalletAnswer>;

/** Where a dialect puts its calls: addresses with one part called `:integration`. */
export type Doors = { readonly post: (path: string, serve: Serve) => unknown };

export type DialectDoor = {
  /** Where the calls are, after `/wallet/` and before the integration. */
  readonly path: string;
  /** Other beginnings of addresses under which its calls are, too. */
  readonly otherPaths?: readonly string[];
  readonly mount: (doors: Doors, deps: ApiDeps) => void;
  /** The answer to a call that never reaches its handler, in the dialect's words. */
  readonly refuse: (failure: Failure) => WalletAnswer;
};

export const dialectDoors: Readonly<Record<WalletDialect, DialectDoor>> = {
  hub88: { path: 'hub88', mount: mountHub88, refuse: refuseInStatus },
  caleta: { path: 'caleta', mount: mountCaleta, refuse: refuseInStatus },
  'a8r-v2': {
    path: 'a8r/v2',
    // Aggregators that put the version themselves come as /wallet/a8r/{integration}/v2.
    otherPaths: ['a8r'],
    mount: mountA8rV2,
    refuse: (failure) => a8rV2.refusal(failure, null),
  },
  'a8r-v1': {
    path: 'a8r/v1',
    mount: mountA8rV1,
    refuse: (failure) => a8rV1.refusal(failure, null),
  },
};
