/** The six tables of settings seen as one: which version a place has, the rows in force, and how the next one is written. */
import { sql, type RawBuilder } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { fail, orThrow, succeed, type Result } from '#domain/failures.ts';
import { toMoneyText } from '#domain/money.ts';
import { placeOf, settingUnits, type SettingKind } from '#domain/payments/settings.ts';
import { settingSchema, type Setting } from '#domain/payments/settings.schema.ts';

/** Of every place the highest version, or of one place all: brand and scope as `placeOf` spells them. */
const rowsOf: Readonly<Record<SettingKind, RawBuilder<StoredSetting>>> = {
  'psp-fee': sql`select '*' as brand, psp || ' ' || kind as scope, version, published_at, change_id,
    jsonb_build_object('psp', psp, 'movement', kind, 'bps', bps, 'fixedMinor', fixed_minor) as content
    from payments.psp_fee_term`,
  'withdrawal-fee': sql`select brand, method || ' ' || asset as scope, version, published_at, change_id,
    jsonb_build_object('brand', brand, 'method', method, 'bps', bps, 'freePerMonth', free_per_month,
      'fixed', jsonb_build_object('amount', fixed::text, 'asset', asset)) as content
    from payments.withdrawal_fee_term`,
  'approver-band': sql`select brand, role || ' ' || asset as scope, version, published_at, change_id,
    jsonb_build_object('brand', brand, 'role', role, 'asset', asset, 'amountMax', amount_max::text) as content
    from payments.approver_band`,
  'second-charge': sql`select brand, jurisdiction as scope, version, published_at, change_id,
    jsonb_build_object('brand', brand, 'jurisdiction', jurisdiction, 'action', action) as content
    from payments.second_charge_policy`,
  'unauthenticated-charge': sql`select brand, jurisdiction as scope, version, published_at, change_id,
    jsonb_build_object('brand', brand, 'jurisdiction', jurisdiction, 'action', action) as content
    from payments.unauthenticated_charge_policy`,
  'psp-route': sql`select brand, method || ' ' || currency as scope, version, published_at, change_id,
    jsonb_build_object('brand', brand, 'method', method, 'currency', currency, 'psps', to_jsonb(psps),
      'captureMode', capture_mode) as content
    from payments.psp_route`,
};

type StoredSetting = {
  readonly brand: string;
  readonly scope: string;
  readonly version: number;
  readonly publishedAt: Date;
  readonly changeId: string | null;
  readonly content: Record<string, unknown>;
};

export type SettingVersion = Omit<StoredSetting, 'content'> & { readonly setting: Setting };

/** Of a kind what is in force; `brands` null is all of them, and what is for all brands is shown to everybody. */
export async function readSettings(
  db: Database,
  kind: SettingKind,
  brands: readonly string[] | null,
): Promise<readonly SettingVersion[]> {
  const { rows } = await sql<StoredSetting>`
    select distinct on (brand, scope) * from (${rowsOf[kind]}) s
    where ${brands === null}::boolean or brand = '*' or brand = any (${[...(brands ?? [])]}::text[])
    order by brand, scope, version desc limit 1000`.execute(db);
  return rows.map(({ content, ...row }) => ({ ...row, setting: fromContent(kind, content) }));
}

/** The database keeps units, the wire has money text. */
function fromContent(kind: SettingKind, content: Record<string, unknown>): Setting {
  const { fixed, asset, amountMax } = content as {
    fixed?: { amount: string; asset: string };
    asset?: string;
    amountMax?: string | null;
  };
  return settingSchema.parse({
    ...content,
    kind,
    ...(fixed === undefined ? {} : { fixed: toMoneyText(BigInt(fixed.amount), fixed.asset) }),
    ...(asset === undefined || asset === '*' || amountMax === undefined || amountMax === null
      ? {}
      : { amountMax: toMoneyText(BigInt(amountMax), asset).amount }),
  });
}

/** Locks the place, so that of two who write its next version one is told; answers with the version it has, 0 for none. */
export async function lockPlace(trx: Trx, setting: Setting): Promise<number> {
  const { brand, scope } = placeOf(setting);
  const name = `setting ${setting.kind} ${brand} ${scope}`;
  await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(trx);
  const { rows } = await sql<{ version: number }>`
    select coalesce(max(version), 0) as version from (${rowsOf[setting.kind]}) s
    where brand = ${brand} and scope = ${scope}`.execute(trx);
  return rows[0]?.version ?? 0;
}

/** What the database must know of: brand, asset and jurisdiction. Failures: `not-found`, `unknown-asset`, `invalid-request`. */
export async function checkNames(trx: Trx, setting: Setting): Promise<Result<null>> {
  const { brand } = placeOf(setting);
  const asset =
    setting.kind === 'withdrawal-fee'
      ? setting.fixed.asset
      : setting.kind === 'psp-route'
        ? setting.currency
        : setting.kind === 'approver-band' && setting.asset !== '*'
          ? setting.asset
          : null;
  const jurisdiction = 'jurisdiction' in setting ? setting.jurisdiction : null;
  const { rows } = await sql<{ brand: boolean; asset: boolean; jurisdiction: boolean }>`select
    ${brand} = '*' or exists (select from pam.brand where id = ${brand}) as brand,
    ${asset}::text is null or exists (select from wallet.asset where code = ${asset}) as asset,
    ${jurisdiction}::text is null
      or exists (select from compliance.jurisdiction_profile where jurisdiction = ${jurisdiction}) as jurisdiction
  `.execute(trx);
  const known = rows[0];
  if (known?.brand !== true) return fail('not-found', 'There is no such brand.');
  if (!known.asset) return fail('unknown-asset', 'There is no such asset here.');
  if (!known.jurisdiction)
    return fail('invalid-request', 'There is no such jurisdiction.', {
      fields: [{ pointer: '/setting/jurisdiction', detail: 'is not known here' }],
    });
  return succeed(null);
}

/** Writes the version; the database asks whether the change was decided. */
export async function writeVersion(
  trx: Trx,
  setting: Setting,
  { version, changeId }: { readonly version: number; readonly changeId: string },
): Promise<void> {
  const units = orThrow(settingUnits(setting))?.toString() ?? null;
  switch (setting.kind) {
    case 'psp-fee':
      await trx
        .insertInto('payments.pspFeeTerm')
        .values({
          psp: setting.psp,
          kind: setting.movement,
          bps: setting.bps,
          fixedMinor: BigInt(setting.fixedMinor),
          version,
          changeId,
        })
        .execute();
      return;
    case 'withdrawal-fee':
      await trx
        .insertInto('payments.withdrawalFeeTerm')
        .values({
          brand: setting.brand,
          method: setting.method,
          asset: setting.fixed.asset,
          bps: setting.bps,
          fixed: units ?? '0',
          freePerMonth: setting.freePerMonth,
          version,
          changeId,
        })
        .execute();
      return;
    case 'approver-band':
      await trx
        .insertInto('payments.approverBand')
        .values({
          brand: setting.brand,
          role: setting.role,
          asset: setting.asset,
          amountMax: units,
          version,
          changeId,
        })
        .execute();
      return;
    case 'second-charge':
    case 'unauthenticated-charge': {
      const { brand, jurisdiction, action } = setting;
      const isSecond = setting.kind === 'second-charge';
      await trx
        .insertInto(isSecond ? 'payments.secondChargePolicy' : 'payments.unauthenticatedChargePolicy')
        .values({ brand, jurisdiction, action, version, changeId })
        .execute();
      return;
    }
    case 'psp-route': {
      const { brand, method, currency, psps, captureMode } = setting;
      await trx
        .insertInto('payments.pspRoute')
        .values({ brand, method, currency, psps, captureMode, version, changeId })
        .execute();
    }
  }
}
