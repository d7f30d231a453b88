/** Addresses that no call to a backend may go to, whatever a name resolves to. */

import { Networks, plainAddress } from './networks.js';

/** Backends live in private networks and on this machine, so those are not among them. */
const REFUSED = new Networks([
  // Unspecified: reaches whatever listens on this machine. With it IPv4-compatible IPv6.
  '0.0.0.0/8',
  '::/96',
  // Link-local, and with it the metadata services of most clouds.
  '169.254.0.0/16',
  'fe80::/10',
  // Metadata services elsewhere: EC2 by IPv6, Alibaba, Oracle.
  'fd00:ec2::/32',
  '100.100.100.200',
  '192.0.0.192',
  // Multicast, reserved, broadcast.
  '224.0.0.0/3',
  'ff00::/8',
  // IPv4 in disguise: NAT64 and 6to4.
  '64:ff9b::/32',
  '2002::/16',
]);
const LOOPBACK = '::1';

/** @param address of IPv4 or IPv6; whatever is none is refused */
export function isReachable(address: string): boolean {
  const plain = plainAddress(address);
  if (plain === null) return false;
  return plain === LOOPBACK || !REFUSED.includes(plain);
}
