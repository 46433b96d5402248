import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Crowd } from '#cluster/crowd';
import { Admission } from '#front/net/door/admission';
import { ManualClock } from '../front/net/manual-clock.ts';

const rate = { perSecond: 1e9, burst: 1e9 };
const plenty = { handshakes: rate, handshakesPerAddress: rate, handshakesPerSubnet: rate };
const ROOM = 10;

describe('the crowd over all gateways', () => {
  it('is known to each gateway, through connects, disconnects, deaths and replacements', () => {
    const step = fc.record({
      do: fc.constantFrom('enter' as const, 'enter' as const, 'leave' as const, 'tell' as const, 'die' as const),
      gateway: fc.nat(2),
      host: fc.nat(3),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const clock = new ManualClock();
        const limits = {
          ...plenty,
          connections: ROOM,
          connectionsHere: ROOM,
          connectionsPerAddress: ROOM,
          connectionsPerSubnet: ROOM,
        };
        const crowd = new Crowd();
        const start = () => ({ admission: new Admission(limits, { clock, shared: true }), open: [] as string[] });
        const gateways = [start(), start(), start()];
        const others = (one: object) => gateways.filter((other) => other !== one);
        const tell = (from: (typeof gateways)[number]): void => {
          const news = from.admission.news();
          crowd.changed(from, news);
          for (const { admission } of others(from)) admission.hear(news);
        };
        for (const { do: what, gateway, host } of steps) {
          const one = gateways[gateway];
          if (one === undefined) continue;
          const address = `192.0.2.${host}`;
          if (what === 'enter' && one.admission.enter(address, false) === undefined) one.open.push(address);
          if (what === 'leave') {
            const gone = one.open.pop();
            if (gone !== undefined) one.admission.leave(gone);
          }
          if (what === 'tell') tell(one);
          if (what === 'die') {
            const back = crowd.gone(one);
            for (const { admission } of others(one)) admission.hear(back);
            gateways[gateway] = start();
            gateways[gateway]?.admission.hear(crowd.now());
          }
        }
        for (const one of gateways) tell(one);
        // In all of them there is as much room left, and it is what is left of all.
        const taken = gateways.reduce((sum, { open }) => sum + open.length, 0);
        for (const { admission } of gateways) {
          let entered = 0;
          while (entered <= ROOM && admission.enter('198.51.100.1', false) === undefined) entered += 1;
          expect(entered).toBe(Math.max(0, ROOM - taken));
        }
      }),
      { numRuns: 500 },
    );
  });
});
