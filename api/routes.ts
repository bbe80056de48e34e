/** Mounts the routes of every module, in the order of `domain/modules.ts`. */
import type { Api } from './app.ts';
import { mountBonus } from './bonus.ts';
import type { ApiDeps } from './context.ts';
import { mountGames } from './games.ts';
import { mountWallet } from './wallet.ts';

export function mountModules(api: Api, deps: ApiDeps): void {
  mountWallet(api, deps);
  mountBonus(api, deps);
  mountGames(api, deps);
}
