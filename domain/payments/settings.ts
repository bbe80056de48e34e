/** What a setting is about, what it is worth in units, and who may not decide on it. */
import { fail, succeed, type Result } from '../failures.ts';
import { toUnits, type Units } from '../money.ts';
import type { Setting } from './settings.schema.ts';

export const settingKinds = [
  'psp-fee',
  'withdrawal-fee',
  'approver-band',
  'second-charge',
  'unauthenticated-charge',
  'psp-route',
] as const satisfies readonly Setting['kind'][];

export type SettingKind = (typeof settingKinds)[number];

export type SettingPlace = { readonly brand: string; readonly scope: string };

/** Versions are counted per place. */
export function placeOf(setting: Setting): SettingPlace {
  switch (setting.kind) {
    case 'psp-fee':
      return { brand: '*', scope: `${setting.psp} ${setting.movement}` };
    case 'withdrawal-fee':
      return { brand: setting.brand, scope: `${setting.method} ${setting.fixed.asset}` };
    case 'approver-band':
      return { brand: setting.brand, scope: `${setting.role} ${setting.asset}` };
    case 'second-charge':
    case 'unauthenticated-charge':
      return { brand: setting.brand, scope: setting.jurisdiction };
    case 'psp-route':
      return { brand: setting.brand, scope: `${setting.method} ${setting.currency}` };
  }
}

/**
 * The amount of money in a setting, in units at ledger scale; null where it has none, or no end. Failures:
 * `invalid-request`, `unknown-asset`, `amount-too-precise`.
 */
export function settingUnits(setting: Setting): Result<Units | null> {
  if (setting.kind !== 'withdrawal-fee' && setting.kind !== 'approver-band') return succeed(null);
  if (setting.kind === 'approver-band' && (setting.amountMax === null || setting.asset === '*')) {
    if (setting.asset !== '*' || setting.amountMax === null) return succeed(null);
    return refuse('/setting/amountMax', 'An amount needs an asset; for all assets there is no end.');
  }
  const isFee = setting.kind === 'withdrawal-fee';
  const units = isFee
    ? toUnits(setting.fixed)
    : toUnits({ amount: setting.amountMax ?? '0', asset: setting.asset });
  if (units.ok && units.value < 0n)
    return refuse(isFee ? '/setting/fixed/amount' : '/setting/amountMax', 'An amount below zero.');
  return units;
}

/** Nobody decides how much a role of his own may approve; `admin` breaks the glass and is seen doing so. */
export const isOwnBand = (setting: Setting, roles: readonly string[]): boolean =>
  setting.kind === 'approver-band' && roles.includes(setting.role);

/** The text whose SHA-256 a decision is bound to. */
export const settingContent = (change: {
  readonly id: string;
  readonly version: number;
  readonly setting: Setting;
}): string =>
  [
    'setting',
    change.id,
    change.version.toString(),
    JSON.stringify(Object.entries(change.setting).toSorted(([a], [b]) => (a < b ? -1 : 1))),
  ].join('\n');

const refuse = (pointer: string, detail: string) =>
  fail('invalid-request', detail, { fields: [{ pointer, detail }] });
