/** How large a manual correction a role may decide on: bands in rough euros, and what a euro is in each asset. */
import { assets } from '../assets.ts';
import { parseDecimal, rescale, type Units } from '../money.ts';
import type { RoleName } from './roles.ts';

export type Band = { readonly euros: bigint } | 'none' | 'unlimited';

/**
 * About one euro in each asset, by order of magnitude: a band says who may decide, and is no rate of exchange.
 * An asset that is not listed is decided by the unlimited band alone.
 */
const aboutOneEuro: Readonly<Record<string, string>> = {
  EUR: '1',
  USD: '1',
  GBP: '1',
  CHF: '1',
  CAD: '1.5',
  AUD: '1.5',
  NZD: '2',
  SEK: '10',
  NOK: '10',
  DKK: '7.5',
  PLN: '4',
  CZK: '25',
  HUF: '400',
  RON: '5',
  BRL: '6',
  MXN: '20',
  INR: '90',
  ZAR: '20',
  JPY: '150',
  KRW: '1500',
  CLP: '1000',
  VND: '25000',
  KWD: '0.3',
  BHD: '0.4',
  BTC: '0.00001',
  LTC: '0.01',
  ETH: '0.0003',
  BNB: '0.0015',
  USDT: '1',
  USDC: '1',
};

/** Largest amount that one of `roles` may decide on, in units of `asset`; null where there is no end, zero for none. */
export function bandOf(
  bands: Readonly<Record<RoleName, Band>>,
  roles: readonly string[],
  asset: string,
): Units | null {
  let largest: Units = 0n;
  for (const role of roles) {
    const band = Object.hasOwn(bands, role) ? bands[role as RoleName] : 'none';
    if (band === 'unlimited') return null;
    if (band === 'none') continue;
    const units = band.euros * aboutOneEuroIn(asset);
    if (units > largest) largest = units;
  }
  return largest;
}

function aboutOneEuroIn(asset: string): Units {
  const { ledgerScale } = assets.get(asset) ?? { ledgerScale: 0 };
  const text = Object.hasOwn(aboutOneEuro, asset) ? aboutOneEuro[asset] : undefined;
  if (text === undefined) return 0n;
  const parsed = parseDecimal(text, 18);
  return parsed.ok ? rescale(parsed.value, 18, ledgerScale) : 0n;
}
