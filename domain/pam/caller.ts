/** Who is at the other end, for what is counted per caller. */

/**
 * Who calls, as far as an address tells: every customer of an IPv6 network has the 2^64 addresses of a /64 to try from,
 * so the network is the caller. Anything but an IPv6 address is its own.
 */
export function callerOf(ip: string): string {
  if (!ip.includes(':')) return ip;
  const [address = ''] = ip.split('%');
  const [head = '', tail] = address.split('::');
  const left = groupsOf(head);
  const right = groupsOf(tail ?? '');
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => 0);
  const groups = tail === undefined ? left : [...left, ...zeros, ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':')}::/64`;
}

/** An IPv4 address at the end stands for two groups, which are never among the first four. */
const groupsOf = (text: string): number[] =>
  text === ''
    ? []
    : text.split(':').flatMap((part) => (part.includes('.') ? [0, 0] : [Number.parseInt(part, 16)]));
