/** Imported tables: what a line may be, and that the first bad one is named. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lookupLinesMax, parseBins, parseNetworks } from './lookup-tables.ts';

test('networks of both families are read, with or without a header', () => {
  const rows = [
    { network: '192.0.2.0/24', country: 'MT' },
    { network: '2001:db8::/32', country: 'SE' },
  ];
  const csv = rows.map(({ network, country }) => `${network},${country}\r\n`).join('');
  expect(parseNetworks(csv)).toMatchObject({ ok: true, value: rows });
  expect(parseNetworks(`network,country\n${csv}`)).toMatchObject({ ok: true, value: rows });
});

test('names of banks may hold commas and quotes', () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 1, maxLength: 60 }).filter((name) => !/[\r\n]/.test(name)),
      (issuer) => {
        const csv = `41111100,41111199,"${issuer.replaceAll('"', '""')}",MT,debit`;
        expect(parseBins(csv)).toEqual({
          ok: true,
          value: [{ line: 1, first: 41111100, last: 41111199, issuer, country: 'MT', cardType: 'debit' }],
        });
      },
    ),
  );
});

test.each([
  ['192.0.2.0/24,MT\nnonsense,MT', 2],
  ['192.0.2.0/24,mt', 1],
  ['192.0.2.0,MT', 1],
  ['192.0.2.0/24,MT,more', 1],
  ['', 0],
])('%j is no table of networks', (csv, line) => {
  const answer = parseNetworks(csv);
  expect(answer.ok).toBe(false);
  if (!answer.ok && line > 0) expect(answer.failure.detail).toContain(`Line ${line}`);
});

test.each([
  '41111199,41111100,Bank,MT,credit',
  '411111,411112,Bank,MT,credit',
  '41111100,41111199,,MT,credit',
  '41111100,41111199,Bank,Malta,credit',
  '41111100,41111199,Bank,MT,gold',
  '41111100,41111199,"Bank,MT,credit',
])('%j is no range of card numbers', (csv) => {
  expect(parseBins(csv).ok).toBe(false);
});

test('a part is bounded', () => {
  const line = '192.0.2.0/24,MT\n';
  expect(parseNetworks(line.repeat(lookupLinesMax)).ok).toBe(true);
  expect(parseNetworks(line.repeat(lookupLinesMax + 1)).ok).toBe(false);
});
