/** To whom staff may give a task. */
import { rolesOfOperator } from '#activities/backoffice/commands/sessions.ts';
import type { Database } from '#db/connect.ts';
import { maySeeBrand, mayDo, type Permission } from '#domain/backoffice/roles.ts';
import { fail, FailureError } from '#domain/failures.ts';

/** What a task asks of whoever has it. A brand of null is everybody's; `*` needs somebody who may see every brand. */
type Task = { readonly permission: Permission; readonly brand: string | null };

/**
 * Requires an active operator who could do the task: a task of somebody who is not shown it would be nobody's.
 * Failure: `not-found`, in the same words for whoever is not there and whoever may not.
 */
export async function requireColleague(db: Database, id: string, task: Task): Promise<void> {
  const operator = await db
    .selectFrom('backoffice.operator as o')
    .select(['o.brands', rolesOfOperator.as('roles')])
    .where('o.id', '=', id)
    .where('o.status', '=', 'active')
    .executeTakeFirst();
  const mayDoIt = operator !== undefined && mayDo(operator.roles, task.permission);
  const maySeeIt =
    operator !== undefined && (task.brand === null || maySeeBrand(operator.brands, task.brand));
  if (!mayDoIt || !maySeeIt)
    throw new FailureError(fail('not-found', 'There is no such operator for this task.').failure);
}
