/** Settings that decide about money: one person proposes the next version, another one puts it into force or refuses. */
import { createHash } from 'node:crypto';
import { sql, type Selectable } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { standingOfDecision, type ProposalDecision } from '#activities/two-people.ts';
import type { Trx } from '#db/connect.ts';
import type { PaymentsSettingChange } from '#db/schema.generated.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import {
  isOwnBand,
  placeOf,
  settingContent,
  settingKinds,
  settingUnits,
  type SettingKind,
} from '#domain/payments/settings.ts';
import { settingSchema, type Setting } from '#domain/payments/settings.schema.ts';
import { checkNames, lockPlace, writeVersion } from './setting-versions.ts';

export type SettingChangeRow = Selectable<PaymentsSettingChange>;

export const settingKindOf = (text: string): SettingKind => {
  const kind = settingKinds.find((known) => known === text);
  if (kind === undefined) throw new Error(`Invariant broken: setting kind ${text}`);
  return kind;
};

export type ProposeSetting = {
  /** Made from the operator and the idempotency key. */
  readonly changeId: string;
  readonly setting: Setting;
  /** The version that the person saw, 0 for none. */
  readonly after: number;
  readonly reason: string;
  readonly operatorId: string;
  readonly fingerprint: Buffer;
};

/**
 * Writes the proposal, or finds the one that the key made before. Failures: `idempotency-key-reused`,
 * `version-outdated`, those of `checkNames` and `settingUnits`.
 */
export async function proposeSetting(trx: Trx, order: ProposeSetting): Promise<Result<SettingChangeRow>> {
  const { changeId: id, setting, after, reason, operatorId, fingerprint } = order;
  const units = settingUnits(setting);
  if (!units.ok) return units;
  const known = await findChange(trx, id);
  if (known !== undefined)
    return known.fingerprint.equals(fingerprint)
      ? succeed(known)
      : fail('idempotency-key-reused', 'This key was used for another change.');
  const names = await checkNames(trx, setting);
  if (!names.ok) return names;
  const there = await lockPlace(trx, setting);
  if (there !== after) return outdated(there);
  const version = after + 1;
  const row = await trx
    .insertInto('payments.settingChange')
    .values({
      id,
      kind: setting.kind,
      ...placeOf(setting),
      version,
      content: JSON.stringify(setting),
      payloadHash: createHash('sha256').update(settingContent({ id, version, setting })).digest(),
      author: `operator:${operatorId}`,
      reason,
      fingerprint,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  await tell(trx, 'payments.setting.proposed', row, { operatorId, reason });
  return succeed(row);
}

export type DecideSetting = ProposalDecision & {
  readonly changeId: string;
  readonly roles: readonly string[];
};

/**
 * Decides, once; a repeat by the same person answers with the row. Whoever proposed may refuse, which takes it back.
 * Failures: `not-found`, `setting-not-open` (decided, or not what was shown), `own-approval` (one's own proposal, or
 * the band of a role of one's own), `version-outdated`.
 */
export async function decideSetting(trx: Trx, order: DecideSetting): Promise<Result<SettingChangeRow>> {
  const { changeId, decision, operatorId, reason } = order;
  const row = await findChange(trx, changeId);
  if (row === undefined) return fail('not-found', 'There is no such change.');
  const standing = standingOfDecision(row, order, { what: 'change', another: 'puts it into force' });
  if (!standing.ok) return standing;
  const { by, state, isRepeat } = standing.value;
  if (isRepeat) return succeed(row);
  const setting = settingSchema.parse(row.content);
  if (decision === 'apply') {
    if (isOwnBand(setting, order.roles))
      return fail('own-approval', 'Nobody decides how much his own role may approve.');
    const there = await lockPlace(trx, setting);
    if (there !== row.version - 1) return outdated(there);
  }
  const decided = await trx
    .updateTable('payments.settingChange')
    .set({ state, decidedBy: by, decisionReason: reason, decidedAt: sql<Date>`now()` })
    .where('id', '=', changeId)
    .returningAll()
    .executeTakeFirstOrThrow();
  if (decision === 'apply') await writeVersion(trx, setting, { version: row.version, changeId });
  const type = decision === 'apply' ? 'payments.setting.applied' : 'payments.setting.refused';
  await tell(trx, type, decided, { operatorId, reason });
  return succeed(decided);
}

const outdated = (there: number) => fail('version-outdated', `The setting is at version ${there}.`);

const findChange = (trx: Trx, id: string): Promise<SettingChangeRow | undefined> =>
  trx.selectFrom('payments.settingChange').selectAll().where('id', '=', id).forUpdate().executeTakeFirst();

const tell = (
  trx: Trx,
  type: 'payments.setting.proposed' | 'payments.setting.applied' | 'payments.setting.refused',
  row: SettingChangeRow,
  { operatorId, reason }: { readonly operatorId: string; readonly reason: string },
): Promise<void> =>
  appendEvent(
    trx,
    {
      type,
      version: 1,
      brand: row.brand,
      playerId: null,
      payload: {
        changeId: row.id,
        kind: settingKindOf(row.kind),
        scope: row.scope,
        settingVersion: row.version,
      },
    },
    { actor: { kind: 'operator', id: operatorId }, subject: `setting-change:${row.id}`, reason },
  );
