/**
 * Who bears fraud on a card payment: a table with a source per row, first match. Never "3-D Secure was there", and never
 * more than can be shown: what is unknown or contradicts itself stays with us.
 */
import type { Exemption, TransStatus } from './three-ds.ts';

/** Goes up when a row changes; every attempt keeps the version it was computed with. */
export const liabilityTableVersion = 1;

/** Betting, casinos, lotteries: every deposit of a gambling brand. */
export const gamblingMcc = '7995';

export const liabilityNetworks = [
  'visa',
  'mastercard',
  'amex',
  'discover',
  'diners',
  'jcb',
  'other',
] as const;
export type LiabilityNetwork = (typeof liabilityNetworks)[number];

export const liabilityRegions = ['europe', 'us', 'other', 'unknown'] as const;
/** Of the card's issuer. */
export type LiabilityRegion = (typeof liabilityRegions)[number];

export type LiabilityFacts = {
  readonly network: LiabilityNetwork;
  readonly region: LiabilityRegion;
  readonly mcc: string;
  readonly eci: string | null;
  readonly exemption: Exemption | null;
  readonly transStatus: TransStatus | null;
};

export type LiabilityRow = {
  readonly name: string;
  readonly source: string;
  readonly party: 'issuer' | 'merchant';
  /** Absent: any. */
  readonly networks?: readonly LiabilityNetwork[];
  readonly regions?: readonly LiabilityRegion[];
  readonly mccs?: readonly string[];
  readonly exempted?: true;
  readonly statuses?: readonly (TransStatus | null)[];
  readonly ecis?: readonly string[];
};

const visaRules = 'Visa Core Rules and Visa Product and Service Rules, 18 April 2026, dispute condition 10.4';
const mastercardRules = 'Mastercard Chargeback Guide, reason code 4837, as PSPs publish it; secondary';
const emv = 'EMVCo, EMV 3-D Secure 2.3.1, transStatus';

export const liabilityTable: readonly LiabilityRow[] = [
  {
    name: 'exemption',
    source:
      'Regulation (EU) 2018/389, articles 13 to 18, and scheme rules: who asks for an exemption bears the fraud',
    party: 'merchant',
    exempted: true,
  },
  { name: 'not-authenticated', source: emv, party: 'merchant', statuses: [null] },
  { name: 'information-only', source: emv, party: 'merchant', statuses: ['I'] },
  { name: 'no-result', source: emv, party: 'merchant', statuses: ['C', 'D', 'N', 'R', 'U'] },
  {
    name: 'visa-us-gambling',
    source: 'TabaPay documentation: the US Visa liability shift does not apply to MCC 7995',
    party: 'merchant',
    networks: ['visa'],
    regions: ['us'],
    mccs: [gamblingMcc],
  },
  {
    name: 'visa-unknown-issuer-gambling',
    source: 'As visa-us-gambling: an issuer of which no country is known may be one of the US',
    party: 'merchant',
    networks: ['visa'],
    regions: ['unknown'],
    mccs: [gamblingMcc],
  },
  {
    name: 'visa-authenticated',
    source: visaRules,
    party: 'issuer',
    networks: ['visa'],
    statuses: ['Y'],
    ecis: ['05'],
  },
  {
    name: 'visa-attempted',
    source: visaRules,
    party: 'issuer',
    networks: ['visa'],
    statuses: ['A'],
    ecis: ['06'],
  },
  {
    name: 'mastercard-authenticated',
    source: mastercardRules,
    party: 'issuer',
    networks: ['mastercard'],
    statuses: ['Y'],
    ecis: ['02'],
  },
  {
    name: 'mastercard-attempted',
    source: mastercardRules,
    party: 'issuer',
    networks: ['mastercard'],
    statuses: ['A'],
    ecis: ['01'],
  },
  {
    name: 'others-authenticated',
    source:
      'American Express SafeKey, ProtectBuy (Discover, Diners) and J/Secure, as PSPs publish them; secondary',
    party: 'issuer',
    networks: ['amex', 'discover', 'diners', 'jcb'],
    statuses: ['Y'],
    ecis: ['05'],
  },
  {
    name: 'others-attempted',
    source: 'As others-authenticated',
    party: 'issuer',
    networks: ['amex', 'discover', 'diners', 'jcb'],
    statuses: ['A'],
    ecis: ['06'],
  },
  {
    name: 'no-claim',
    source: 'Our own: an unknown network, or an ECI that does not fit the status, supports no claim',
    party: 'merchant',
  },
];

export function liabilityOf(facts: LiabilityFacts): LiabilityRow {
  const row = liabilityTable.find((one) => fits(one, facts));
  if (row === undefined) throw new Error('Invariant broken: the last row fits everything');
  return row;
}

const fits = (row: LiabilityRow, facts: LiabilityFacts): boolean =>
  (row.networks?.includes(facts.network) ?? true) &&
  (row.regions?.includes(facts.region) ?? true) &&
  (row.mccs?.includes(facts.mcc) ?? true) &&
  (row.exempted === undefined || facts.exemption !== null) &&
  (row.statuses?.includes(facts.transStatus) ?? true) &&
  (row.ecis === undefined || (facts.eci !== null && row.ecis.includes(facts.eci)));

export const liabilityNetworkOf = (scheme: string | null): LiabilityNetwork =>
  liabilityNetworks.find((known) => known === scheme) ?? (scheme === 'mc' ? 'mastercard' : 'other');

// The European Economic Area, the United Kingdom, Switzerland: where strong customer authentication is the rule.
const european: ReadonlySet<string> = new Set(
  'AT BE BG CH CY CZ DE DK EE ES FI FR GB GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK'.split(
    ' ',
  ),
);

export function liabilityRegionOf(issuerCountry: string | null): LiabilityRegion {
  if (issuerCountry === null) return 'unknown';
  if (issuerCountry === 'US') return 'us';
  return european.has(issuerCountry) ? 'europe' : 'other';
}
