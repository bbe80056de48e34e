/** Accounts and sessions of players. */
import type { Api } from './app.ts';
import type { ApiDeps } from './context.ts';
import { mountAccount } from './pam/account.ts';
import { mountAdminPlayers } from './pam/admin-players.ts';
import { mountEmailVerification } from './pam/email-verification.ts';
import { mountPasswordReset } from './pam/password-reset.ts';
import { mountRegistration } from './pam/registration.ts';
import { mountSessions } from './pam/sessions.ts';

export function mountPam(api: Api, deps: ApiDeps): void {
  mountRegistration(api, deps);
  mountEmailVerification(api, deps);
  mountPasswordReset(api, deps);
  mountSessions(api, deps);
  mountAccount(api, deps);
  mountAdminPlayers(api, deps);
}
