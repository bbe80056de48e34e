/** Rules and lists belong to a brand that exists and that the operator may see. */
import type { Database } from '#db/connect.ts';
import { fail, FailureError } from '#domain/failures.ts';
import { requireBrand } from '../backoffice-guard.ts';
import type { OperatorIdentity } from '../context.ts';

export async function mustBeBrand(db: Database, operator: OperatorIdentity, brand: string): Promise<void> {
  requireBrand(operator, brand);
  const known = await db.selectFrom('pam.brand').select('id').where('id', '=', brand).executeTakeFirst();
  if (known === undefined) throw new FailureError(fail('not-found', 'There is no such brand.').failure);
}
