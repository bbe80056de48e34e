/** The sportsbook's routes: what can be bet on, the player's bets, the feed's messages, the operators' pages. */
import type { Api } from '../app.ts';
import type { ApiDeps } from '../context.ts';
import { mountBackofficeBook } from './book/backoffice-book.ts';
import { mountBets } from './book/bets.ts';
import { mountSportsCatalogue } from './book/catalogue.ts';
import { mountFeedWebhook } from './book/feed-webhook.ts';

export function mountBook(api: Api, deps: ApiDeps): void {
  mountSportsCatalogue(api, deps);
  mountBets(api, deps);
  mountFeedWebhook(api, deps);
  mountBackofficeBook(api, deps);
}
