/** What opens an integration, and what one person may do to it alone. */
import { expect, test } from 'vitest';
import { openingFields, type OpenableIntegration } from './integration-openings.ts';

const there: OpenableIntegration = {
  operatorId: 'pitboss',
  subPartnerId: null,
  baseUrl: 'https://provider.example',
  catalogueUrl: null,
  callerNetworks: ['192.0.2.0/24', '2001:db8::/32'],
  sharesPersonalData: false,
  tokensRotate: true,
  enabled: false,
};

test('an address, our name there, stakes and players’ data open something', () => {
  expect(openingFields(there, { baseUrl: 'https://other.example', enabled: true })).toEqual([
    'baseUrl',
    'enabled',
  ]);
  expect(openingFields(there, { operatorId: 'other' })).toEqual(['operatorId']);
  expect(openingFields({ ...there, subPartnerId: 'a' }, { subPartnerId: null })).toEqual(['subPartnerId']);
  expect(openingFields(there, { catalogueUrl: 'https://other.example/list.yml' })).toEqual(['catalogueUrl']);
  expect(openingFields(there, { sharesPersonalData: true, tokensRotate: false })).toEqual([
    'sharesPersonalData',
    'tokensRotate',
  ]);
});

test('what closes opens nothing', () => {
  const open = { ...there, enabled: true, sharesPersonalData: true, tokensRotate: false };
  expect(openingFields(open, { enabled: false, sharesPersonalData: false, tokensRotate: true })).toEqual([]);
});

test('a list of networks gets shorter by one person; anything else in it, or no list at all, opens', () => {
  const of = (callerNetworks: readonly string[], before = there.callerNetworks) =>
    openingFields({ ...there, callerNetworks: before }, { callerNetworks });
  expect(of(['192.0.2.0/24'])).toEqual([]);
  expect(of(['192.0.2.0/24'], [])).toEqual([]);
  expect(of([])).toEqual(['callerNetworks']);
  expect(of(['192.0.2.0/24', '198.51.100.1'])).toEqual(['callerNetworks']);
  // Within a network of the list, and all the same not what is written there.
  expect(of(['192.0.2.7'])).toEqual(['callerNetworks']);
});
