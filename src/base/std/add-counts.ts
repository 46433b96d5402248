/** Adds two objects of numbers, or of such objects, member by member. Throws if `b` has not all that `a` has. */
export function addCounts<T extends object>(a: T, b: T): T {
  const entries = Object.entries(a).map(([key, left]: [string, unknown]) => {
    const right: unknown = Reflect.get(b, key);
    if (typeof left === 'number' && typeof right === 'number') return [key, left + right];
    if (typeof left === 'object' && left !== null && typeof right === 'object' && right !== null)
      return [key, addCounts(left, right)];
    throw new Error(`counts: ${key} can not be added`);
  });
  return Object.fromEntries(entries) as T;
}
