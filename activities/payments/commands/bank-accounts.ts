/** A player's own bank account as a place where money may go: the IBAN checked, the holder the verified name, both sealed. */
import { sql } from 'kysely';
import { openPersonalData, sealForPlayer, unsealForPlayer } from '#activities/personal-data.ts';
import type { Database } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { parseIban } from '#domain/payments/sepa/iban.ts';
import type { ActivityDeps } from '../../deps.ts';

/** The connector that pays to bank accounts. */
export const sepaPsp = 'sepa';

type KeyRing = ActivityDeps['keyRing'];
export type BankAccount = { readonly iban: string; readonly name: string };

const what = 'bank-account';

/**
 * Keeps the account as an instrument, once per player and IBAN. Failures: `invalid-request` for an IBAN that does not
 * check out, `not-found` where the player's data are gone. The name is the player's own: money goes to nobody else.
 */
export async function addBankAccount(
  db: Database,
  keyRing: KeyRing,
  request: { readonly playerId: string; readonly iban: string },
): Promise<Result<{ readonly instrumentId: string }>> {
  const iban = parseIban(request.iban);
  if (!iban.ok) return iban;
  const { playerId } = request;
  return db.transaction().execute(async (trx) => {
    const person = await openPersonalData(trx, keyRing, playerId, 'aml');
    const account = person && { iban: iban.value, name: `${person.firstName} ${person.lastName}` };
    const sealed =
      account &&
      (await sealForPlayer(trx, keyRing, { playerId, purpose: 'aml' }, what, JSON.stringify(account)));
    if (sealed === null) return fail('not-found', 'There is no such player.');
    const last4 = iban.value.slice(-4);
    const inserted = await trx
      .insertInto('payments.instrument')
      .values({
        id: sql<string>`gen_random_uuid()`,
        playerId,
        psp: sepaPsp,
        kind: 'bank-account',
        token: keyRing.blindIndex(`iban:${iban.value}`).toString('hex'),
        last4: /^\d{4}$/.test(last4) ? last4 : null,
      })
      .onConflict((conflict) =>
        conflict
          .columns(['playerId', 'psp', 'token'])
          .doUpdateSet((eb) => ({ kind: eb.ref('excluded.kind') })),
      )
      .returning('id')
      .executeTakeFirstOrThrow();
    await trx
      .insertInto('payments.bankAccount')
      .values({ instrumentId: inserted.id, sealed })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    return succeed({ instrumentId: inserted.id });
  });
}

/** Throws when the key is not the one that sealed it, or the row was damaged. */
export function unsealBankAccount(
  keyRing: KeyRing,
  row: {
    readonly playerId: string;
    readonly keyId: string;
    readonly wrapped: Buffer;
    readonly sealed: Buffer;
  },
): BankAccount {
  const text = unsealForPlayer(keyRing, { playerId: row.playerId, purpose: 'aml' }, what, row);
  // Only addBankAccount seals under this name.
  return JSON.parse(text) as BankAccount;
}
