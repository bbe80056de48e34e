/**
 * Which addresses say where on the internet somebody is. What is counted or scored by address asks here: behind the others
 * stand as many people as there are, such as everybody behind a proxy that does not tell whom it speaks for.
 */
import { BlockList, isIP } from 'node:net';

/** RFC 6890, RFC 6598 (shared by the customers of a provider), RFC 4193 and RFC 4291. */
const localNetworks = [
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
  ['100.64.0.0', 10],
  ['::', 128],
  ['::1', 128],
  ['fc00::', 7],
  ['fe80::', 10],
] as const;

const local = new BlockList();
for (const [network, bits] of localNetworks) local.addSubnet(network, bits, familyOf(network));

/**
 * The address, or null for one that nobody on the internet has; then it is as if none were known. Lists ask for the
 * address as it is: who wrote an entry for 10.0.0.7 knows whom he means.
 */
export function publicAddress(ip: string | null): string | null {
  // The zone of a link-local address names an interface of ours.
  const [address = ''] = ip?.split('%') ?? [];
  // An IPv4 address that is written as IPv6 is held against the networks of both.
  return isIP(address) === 0 || local.check(address, familyOf(address)) ? null : address;
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6';
}
