/**
 * Cuts a range of IPv4 addresses into parts of equal size.
 *
 * @param cidr e.g. `10.42.0.0/24`
 * @param parts a power of two
 * @throws Error where the parts would be smaller than a subnet of AWS may be (/28), or the range is none.
 */
export function splitCidr(cidr: string, parts: number): string[] {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(cidr);
  const [, a = "", b = "", c = "", d = "", length = ""] = match ?? [];
  if (match === null) throw new Error(`"${cidr}" is no range of addresses such as 10.42.0.0/24`);
  const bits = Math.log2(parts);
  if (!Number.isInteger(bits)) throw new Error(`a range is cut into a power of two of parts, not ${parts}`);
  const size = Number(length) + bits;
  if (Number(length) < 16 || size > 28)
    throw new Error(`${cidr} cannot be cut into ${parts} subnets: AWS takes networks from /16, subnets down to /28`);
  const number = [a, b, c, d].reduce((sum, octet) => sum * 256 + Number(octet), 0);
  const start = number - (number % 2 ** (32 - Number(length)));
  return Array.from({ length: parts }, (_, at) => `${dotted(start + at * 2 ** (32 - size))}/${size}`);
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}
