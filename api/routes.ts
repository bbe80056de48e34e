/** Mounts the routes of every module, in the order of `domain/modules.ts`. */
import { mountAffiliates } from './affiliates.ts';
import type { Api } from './app.ts';
import { mountBackoffice } from './backoffice.ts';
import { mountBi } from './bi.ts';
import { mountBonus } from './bonus.ts';
import { mountCms } from './cms.ts';
import { mountCompliance } from './compliance.ts';
import type { ApiDeps } from './context.ts';
import { mountCrm } from './crm.ts';
import { mountGames } from './games.ts';
import { mountKyc } from './kyc.ts';
import { mountKycWebhook } from './kyc/webhook.ts';
import { mountHeldMoney } from './payments/held-money.ts';
import { mountScreenings } from './payments/screenings.ts';
import { mountPam } from './pam.ts';
import { mountPayments } from './payments.ts';
import { mountResponsibleGambling } from './responsible-gambling.ts';
import { mountRisk } from './risk.ts';
import { mountWallet } from './wallet.ts';

export function mountModules(api: Api, deps: ApiDeps): void {
  mountPam(api, deps);
  mountWallet(api, deps);
  mountKyc(api, deps);
  mountKycWebhook(api, deps);
  mountHeldMoney(api, deps);
  mountScreenings(api, deps);
  mountPayments(api, deps);
  mountBonus(api, deps);
  mountGames(api, deps);
  mountAffiliates(api, deps);
  mountCrm(api, deps);
  mountResponsibleGambling(api, deps);
  mountRisk(api, deps);
  mountCms(api, deps);
  mountCompliance(api, deps);
  mountBi(api, deps);
  mountBackoffice(api, deps);
}
