/** Makes accounts of staff; used by the seed of development and test systems. */
import { randomUUID } from 'node:crypto';
import type { Database } from '#db/connect.ts';
import { roleNames, type RoleName } from '#domain/backoffice/roles.ts';
import { hashPassword, verifyPassword } from '#activities/passwords.ts';

export type NewOperator = {
  readonly email: string;
  readonly name: string;
  readonly password: string;
  readonly roles: readonly RoleName[];
  readonly brands?: readonly string[];
};

export const isRoleName = (text: string): text is RoleName => roleNames.some((role) => role === text);

/** Adds the operator, or brings the password and roles of an existing one up to what is given. */
export async function putOperator(db: Database, operator: NewOperator): Promise<string> {
  const email = operator.email.trim().toLowerCase();
  const existing = await db
    .selectFrom('backoffice.operator')
    .select(['id', 'passwordHash'])
    .where('email', '=', email)
    .executeTakeFirst();
  const keep = existing && (await verifyPassword(existing.passwordHash, operator.password));
  const passwordHash = keep ? existing.passwordHash : await hashPassword(operator.password);
  return db.transaction().execute(async (trx) => {
    const { id } = await trx
      .insertInto('backoffice.operator')
      .values({
        id: randomUUID(),
        email,
        name: operator.name,
        passwordHash,
        brands: [...(operator.brands ?? ['*'])],
      })
      .onConflict((conflict) => conflict.column('email').doUpdateSet({ passwordHash, name: operator.name }))
      .returning('id')
      .executeTakeFirstOrThrow();
    await trx
      .insertInto('backoffice.operatorRole')
      .values(operator.roles.map((role) => ({ operatorId: id, role })))
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    return id;
  });
}
