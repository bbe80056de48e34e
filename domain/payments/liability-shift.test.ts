import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  gamblingMcc,
  liabilityNetworkOf,
  liabilityNetworks,
  liabilityOf,
  liabilityRegionOf,
  liabilityRegions,
  liabilityTable,
  type LiabilityFacts,
} from './liability-shift.ts';
import { exemptions, transStatuses } from './three-ds.ts';

const ecis = [null, '00', '01', '02', '04', '05', '06', '07', '99'];
const mccs = [gamblingMcc, '5411'];
const statuses = [null, ...transStatuses];

/** Every combination there is: 7 networks, 4 regions, 2 codes, 9 indicators, 5 exemptions, 9 statuses. */
const all: readonly LiabilityFacts[] = liabilityNetworks.flatMap((network) =>
  liabilityRegions.flatMap((region) =>
    mccs.flatMap((mcc) =>
      ecis.flatMap((eci) =>
        [null, ...exemptions].flatMap((exemption) =>
          statuses.map((transStatus) => ({ network, region, mcc, eci, exemption, transStatus })),
        ),
      ),
    ),
  ),
);

const facts = fc.record({
  network: fc.constantFrom(...liabilityNetworks),
  region: fc.constantFrom(...liabilityRegions),
  mcc: fc.constantFrom(...mccs),
  eci: fc.option(fc.stringMatching(/^\d\d$/)),
  exemption: fc.option(fc.constantFrom(...exemptions)),
  transStatus: fc.constantFrom(...statuses),
});

describe('the liability shift', () => {
  it('is claimed only for Y and A, without an exemption, with the indicator of that network and status', () => {
    const claimed = all.filter((one) => liabilityOf(one).party === 'issuer');
    const seen = new Set(
      claimed.map(({ network, transStatus, eci }) => `${network}:${transStatus ?? ''}:${eci ?? ''}`),
    );
    expect([...seen].toSorted()).toEqual([
      'amex:A:06',
      'amex:Y:05',
      'diners:A:06',
      'diners:Y:05',
      'discover:A:06',
      'discover:Y:05',
      'jcb:A:06',
      'jcb:Y:05',
      'mastercard:A:01',
      'mastercard:Y:02',
      'visa:A:06',
      'visa:Y:05',
    ]);
    expect(claimed.every(({ exemption }) => exemption === null)).toBe(true);
  });

  it('never applies to a US Visa card at a gambling merchant, nor where the issuer may be one', () => {
    const visa = all.filter(({ network, mcc }) => network === 'visa' && mcc === gamblingMcc);
    for (const one of visa.filter(({ region }) => region === 'us' || region === 'unknown'))
      expect(liabilityOf(one).party).toBe('merchant');
    const authenticated = { network: 'visa', eci: '05', exemption: null, transStatus: 'Y' } as const;
    expect(liabilityOf({ ...authenticated, region: 'us', mcc: gamblingMcc }).name).toBe('visa-us-gambling');
    expect(liabilityOf({ ...authenticated, region: 'us', mcc: '5411' }).party).toBe('issuer');
    expect(liabilityOf({ ...authenticated, region: 'europe', mcc: gamblingMcc }).party).toBe('issuer');
  });

  it('has no row that nothing reaches, and a source for each', () => {
    const reached = new Set(all.map((one) => liabilityOf(one).name));
    expect(liabilityTable.filter(({ name }) => !reached.has(name))).toEqual([]);
    expect(new Set(liabilityTable.map(({ name }) => name)).size).toBe(liabilityTable.length);
    expect(liabilityTable.every(({ source }) => source.length > 10)).toBe(true);
  });

  it('is lost, and never won, by an exemption, by another status, and by a broken indicator', () => {
    fc.assert(
      fc.property(facts, fc.constantFrom(...exemptions), (one, exemption) => {
        expect(liabilityOf({ ...one, exemption }).party).toBe('merchant');
        for (const transStatus of [null, 'C', 'D', 'N', 'R', 'U', 'I'] as const)
          expect(liabilityOf({ ...one, transStatus }).party).toBe('merchant');
        expect(liabilityOf({ ...one, eci: null }).party).toBe('merchant');
        expect(liabilityOf({ ...one, network: 'other' }).party).toBe('merchant');
      }),
    );
  });

  it('does not depend on region or merchant code but for Visa', () => {
    fc.assert(
      fc.property(facts, facts, (one, other) => {
        fc.pre(one.network !== 'visa');
        expect(liabilityOf({ ...one, region: other.region, mcc: other.mcc })).toBe(liabilityOf(one));
      }),
    );
  });

  it('reads schemes and countries as PSPs write them, and takes nothing for granted', () => {
    expect(liabilityNetworkOf('mc')).toBe('mastercard');
    expect(liabilityNetworkOf('cartes_bancaires')).toBe('other');
    expect([
      liabilityRegionOf('US'),
      liabilityRegionOf('MT'),
      liabilityRegionOf('BR'),
      liabilityRegionOf(null),
    ]).toEqual(['us', 'europe', 'other', 'unknown']);
  });
});
