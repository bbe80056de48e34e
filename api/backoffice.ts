/** Sessions of staff, who is staff, and the audit trail. */
import type { Api } from './app.ts';
import { mountAudit } from './backoffice/audit.ts';
import { mountOperatorSessions } from './backoffice/sessions.ts';
import type { ApiDeps } from './context.ts';

export function mountBackoffice(api: Api, deps: ApiDeps): void {
  mountOperatorSessions(api, deps);
  mountAudit(api, deps);
}
