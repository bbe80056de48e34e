/** Sessions of staff, who is staff, the audit trail, and the rules that staff drafts and publishes. */
import type { Api } from './app.ts';
import { mountAudit } from './backoffice/audit.ts';
import { mountRuleReviews } from './backoffice/rule-reviews.ts';
import { mountRuleSets } from './backoffice/rule-sets.ts';
import { mountOperatorSessions } from './backoffice/sessions.ts';
import type { ApiDeps } from './context.ts';

export function mountBackoffice(api: Api, deps: ApiDeps): void {
  mountOperatorSessions(api, deps);
  mountAudit(api, deps);
  mountRuleSets(api, deps);
  mountRuleReviews(api, deps);
}
