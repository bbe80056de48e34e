/** Mounts the routes of every module, in the order of `domain/modules.ts`. */
import type { Api } from './app.ts';
import type { ApiDeps } from './context.ts';

export function mountModules(_api: Api, _deps: ApiDeps): void {}
