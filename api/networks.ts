/** Lists of networks, IPv4 and IPv6: who may call a wallet door, and whose forwarding headers are believed. */
import { BlockList, isIP } from 'node:net';

export type Networks = {
  /** True when no network is listed. */
  readonly isEmpty: boolean;
  /** False for what is no address. */
  includes(address: string): boolean;
};

/** `10.0.0.0/8`, `2001:db8::/32`, or an address alone; null when the text is neither. */
function parseNetwork(text: string): { address: string; prefix: number; family: 'ipv4' | 'ipv6' } | null {
  const [address = '', bits, more] = text.split('/');
  const version = isIP(address);
  if (version === 0 || more !== undefined || address.includes('%')) return null;
  const bitsMax = version === 4 ? 32 : 128;
  if (bits !== undefined && !/^\d{1,3}$/.test(bits)) return null;
  const prefix = bits === undefined ? bitsMax : Number(bits);
  return prefix > bitsMax ? null : { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' };
}

export const isNetwork = (text: string): boolean => parseNetwork(text) !== null;

/** Throws on text that is no network: lists are checked where they come in. */
export function networksOf(texts: readonly string[]): Networks {
  const list = new BlockList();
  for (const text of texts) {
    const network = parseNetwork(text);
    if (!network) throw new Error(`${text} is no network`);
    if (network.prefix === 0) addEverything(list, network.family);
    else list.addSubnet(network.address, network.prefix, network.family);
  }
  return {
    isEmpty: texts.length === 0,
    includes: (address) => {
      if (texts.length === 0) return false;
      const plain = plainAddress(address);
      const version = isIP(plain);
      return version !== 0 && list.check(plain, version === 4 ? 'ipv4' : 'ipv6');
    },
  };
}

function addEverything(list: BlockList, family: 'ipv4' | 'ipv6'): void {
  const [low, high] = family === 'ipv4' ? ['0.0.0.0', '128.0.0.0'] : ['::', '8000::'];
  list.addSubnet(low, 1, family);
  list.addSubnet(high, 1, family);
}

/** An IPv4 caller on a socket that listens for both looks like `::ffff:192.0.2.1`. */
export const plainAddress = (address: string): string =>
  /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(address)?.[1] ?? address;
