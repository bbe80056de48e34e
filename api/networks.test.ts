/** Networks of both families, and who a client is behind proxies that anybody may imitate. */
import { describe, expect, test } from 'vitest';
import { isNetwork, networksOf } from './networks.ts';
import { addressBehind } from './request-origin.ts';

describe('networks', () => {
  test.each([
    [['192.0.2.0/24'], '192.0.2.200', true],
    [['192.0.2.0/24'], '192.0.3.1', false],
    [['192.0.2.7'], '192.0.2.7', true],
    [['192.0.2.7'], '::ffff:192.0.2.7', true],
    [['2001:db8::/32'], '2001:db8:ffff::1', true],
    [['2001:db8::/32'], '2001:db9::1', false],
    [['2001:db8::1'], '2001:0db8:0:0:0:0:0:1', true],
    [['0.0.0.0/0'], '203.0.113.9', true],
    [['0.0.0.0/0'], '2001:db8::1', false],
    [['::/0'], '2001:db8::1', true],
    [[], '192.0.2.1', false],
    [['10.0.0.0/8', '2001:db8::/32'], 'no address', false],
  ])('%j includes %s: %s', (networks, address, expected) => {
    expect(networksOf(networks).includes(address)).toBe(expected);
  });

  test.each([
    '',
    '300.1.1.1',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '::1/129',
    'fe80::1%eth0',
    'example.com',
    '10.0.0.0/',
  ])('%j is no network', (text) => {
    expect(isNetwork(text)).toBe(false);
    expect(() => networksOf([text])).toThrow('no network');
  });
});

describe('the address of a client', () => {
  const trusted = networksOf(['10.0.0.0/8', '2001:db8::/32']);
  test.each([
    [
      'a peer that is no proxy of ours is believed about nothing',
      '203.0.113.5',
      '198.51.100.1',
      '203.0.113.5',
    ],
    ['a proxy of ours says who came', '10.0.0.1', '203.0.113.5', '203.0.113.5'],
    ['what the client wrote before it stays unread', '10.0.0.1', '192.0.2.66, 203.0.113.5', '203.0.113.5'],
    ['two proxies in a row', '10.0.0.1', '203.0.113.5, 10.0.0.2', '203.0.113.5'],
    ['an IPv4 client on a socket of both families', '::ffff:10.0.0.1', '::ffff:203.0.113.5', '203.0.113.5'],
    ['IPv6 all the way', '2001:db8::1', '2001:dead::9', '2001:dead::9'],
    ['nonsense ends the walk at the last address believed', '10.0.0.1', 'unknown', '10.0.0.1'],
    ['a proxy that says nothing', '10.0.0.1', undefined, '10.0.0.1'],
    ['no socket', null, '203.0.113.5', null],
  ])('%s', (_, peer, header, client) => {
    expect(addressBehind(trusted, peer, header)).toBe(client);
  });

  test('without proxies of ours the header counts for nothing', () => {
    expect(addressBehind(networksOf([]), '203.0.113.5', '192.0.2.1')).toBe('203.0.113.5');
  });
});
