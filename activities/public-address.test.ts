/** Addresses at the edges of the networks that nobody on the internet has. */
import { describe, expect, test } from 'vitest';
import { publicAddress } from './public-address.ts';

describe('an address', () => {
  test.each([
    '0.0.0.0',
    '127.0.0.1',
    '127.255.255.255',
    '10.0.0.0',
    '10.255.255.255',
    '172.16.0.0',
    '172.31.255.255',
    '192.168.0.1',
    '169.254.169.254',
    '100.64.0.0',
    '100.127.255.255',
    '::',
    '::1',
    'fd12:3456::1',
    'fc00::',
    'fe80::1%eth0',
    'febf::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::FFFF:10.2.3.4',
    '::ffff:100.64.1.1',
  ])('%s says nothing of a household', (ip) => {
    expect(publicAddress(ip)).toBeNull();
  });

  test.each([
    '9.255.255.255',
    '11.0.0.0',
    '126.0.0.1',
    '128.0.0.1',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.255.255',
    '192.169.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '169.253.255.255',
    '198.51.100.7',
    '::2',
    '2001:db8::1',
    'fbff::1',
    'fec0::1',
    '::ffff:203.0.113.9',
  ])('%s is one of the internet', (ip) => {
    expect(publicAddress(ip)).toBe(ip);
  });

  test('that is none, or unknown, is unknown', () => {
    for (const text of [null, '', 'unknown', '300.1.1.1', '10.0.0.0/8'])
      expect(publicAddress(text)).toBeNull();
  });
});
