/**
 * What a module lets rules speak about: named fields with their types and where each comes from. The engine knows no
 * module; a module hands it a catalogue.
 */
import { assert } from '../failures.ts';
import type { RuleType } from './rule-types.ts';

export type Field = {
  /** As rules spell it: `player.tier`. */
  readonly name: string;
  readonly type: RuleType;
  /** How sentences call it: "the player's tier". */
  readonly label: string;
  readonly source: 'request' | 'row' | 'aggregate' | 'list' | 'external';
  /** What it means when the value is missing; without it the field always has a value. */
  readonly absence?: string;
  /** The value may be some seconds old. Rules over money, limits and protection may refuse such fields. */
  readonly mayLag?: boolean;
  /** Of a person, and not for analysts: it does not leave the primary database with the decisions. */
  readonly isSensitive?: boolean;
  /**
   * SQL over the statement that the module builds around a rule; trusted text, never from a user. Money and decimals
   * are whole units, durations microseconds, time stamps `timestamptz` and `DateTime64`. Left out where a back end does
   * not have the value: a rule over it is then refused for that back end.
   */
  readonly postgres?: string;
  readonly clickhouse?: string;
  /** Most decimal digits of a whole number: 18 unless said otherwise, 38 for money. */
  readonly digitsMax?: number;
};

export type Catalogue = {
  readonly name: string;
  readonly fields: ReadonlyMap<string, Field>;
  /** The dearest rule that is taken, in the cost units of the functions. */
  readonly costMax: number;
  /** Rules that protect somebody must say what holds when a value is absent: silence is refused, not warned about. */
  readonly isProtective: boolean;
  /** Only values that are read from the primary database for this decision. */
  readonly refusesLag: boolean;
};

/** Puts a catalogue together; a name that is there twice is a bug. */
export function defineCatalogue(
  name: string,
  fields: readonly Field[],
  options: Partial<Pick<Catalogue, 'costMax' | 'isProtective' | 'refusesLag'>> = {},
): Catalogue {
  const byName = new Map(fields.map((field) => [field.name, field]));
  assert(byName.size === fields.length, `the catalogue ${name} has a field twice`);
  return { name, fields: byName, costMax: 500, isProtective: false, refusesLag: false, ...options };
}
