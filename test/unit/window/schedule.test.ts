import assert from "node:assert/strict";
import { windowSettings } from "../../../pipeline/contracts.js";
import { describeHours, describeOpening } from "../../../pipeline/window/describe.js";
import { placeOf } from "../../../pipeline/window/schedule.js";

const at = (window: object, instant: string) => {
  const place = placeOf(windowSettings.parse(window), new Date(instant));
  assert.ok(place !== undefined);
  return `${place.open ? "open" : "closed"} ${place.opening.from.toString()} ${place.opening.to.toString()}`;
};

describe("maintenance window: hours", () => {
  const nights = { timeZone: "America/Bogota", open: [{ days: ["tue", "thu"], from: "02:00", to: "05:00" }] };

  it("are open from the first instant until before the last", () => {
    const thursday = "2026-11-26T07:00:00Z 2026-11-26T10:00:00Z";
    assert.equal(at(nights, "2026-11-26T06:59:59.999Z"), `closed ${thursday}`);
    assert.equal(at(nights, "2026-11-26T07:00:00Z"), `open ${thursday}`);
    assert.equal(at(nights, "2026-11-26T09:59:59.999Z"), `open ${thursday}`);
    assert.equal(at(nights, "2026-11-26T10:00:00Z"), "closed 2026-12-01T07:00:00Z 2026-12-01T10:00:00Z");
  });

  it("that are not set are none", () => assert.equal(placeOf(windowSettings.parse({}), new Date()), undefined));

  it("past midnight belong to the day on which they begin", () => {
    const late = { open: [{ days: ["sat"], from: "23:00", to: "02:00" }] };
    assert.equal(at(late, "2026-11-29T01:30:00Z"), "open 2026-11-28T23:00:00Z 2026-11-29T02:00:00Z");
    assert.equal(at(late, "2026-11-28T01:30:00Z"), "closed 2026-11-28T23:00:00Z 2026-11-29T02:00:00Z");
  });

  it("that touch or overlap are one", () => {
    const whole = { open: [{ days: ["sat", "sun"], from: "00:00", to: "24:00" }] };
    assert.equal(at(whole, "2026-11-28T12:00:00Z"), "open 2026-11-28T00:00:00Z 2026-11-30T00:00:00Z");
    const two = {
      open: [
        { days: ["mon"], from: "03:00", to: "06:00" },
        { days: ["mon"], from: "01:00", to: "04:00" },
      ],
    };
    assert.equal(at(two, "2026-11-30T02:00:00Z"), "open 2026-11-30T01:00:00Z 2026-11-30T06:00:00Z");
  });

  // Madrid: 2026-03-29 from 02:00 to 03:00 is skipped, 2026-10-25 from 02:00 to 03:00 comes twice.
  describe("where clocks are changed", () => {
    const sunday = (from: string, to: string) => ({ timeZone: "Europe/Madrid", open: [{ days: ["sun"], from, to }] });

    it("a window over the skipped hour is an hour shorter", () =>
      assert.equal(
        at(sunday("01:00", "05:00"), "2026-03-29T00:30:00Z"),
        "open 2026-03-29T00:00:00Z 2026-03-29T03:00:00Z",
      ));
    it("a window over the hour that comes twice is an hour longer", () =>
      assert.equal(
        at(sunday("01:00", "05:00"), "2026-10-25T03:30:00Z"),
        "open 2026-10-24T23:00:00Z 2026-10-25T04:00:00Z",
      ));
    it("a beginning that is skipped is that much later", () =>
      assert.equal(
        at(sunday("02:30", "05:00"), "2026-03-29T01:15:00Z"),
        "closed 2026-03-29T01:30:00Z 2026-03-29T03:00:00Z",
      ));
    it("a window that is skipped whole is not open before the week after", () =>
      assert.equal(
        at(sunday("02:00", "03:00"), "2026-03-28T12:00:00Z"),
        "closed 2026-04-05T00:00:00Z 2026-04-05T01:00:00Z",
      ));
    it("an end that comes twice is the first", () =>
      assert.equal(
        at(sunday("01:30", "02:30"), "2026-10-25T00:45:00Z"),
        "closed 2026-11-01T00:30:00Z 2026-11-01T01:30:00Z",
      ));
    it("a day of 23 hours ends when it ends", () =>
      assert.equal(
        at(sunday("00:00", "24:00"), "2026-03-29T21:59:00Z"),
        "open 2026-03-28T23:00:00Z 2026-03-29T22:00:00Z",
      ));
    it("keep the window's own clock in summer and winter", () => {
      assert.match(at(sunday("04:00", "05:00"), "2026-07-01T00:00:00Z"), /2026-07-05T02:00:00Z/);
      assert.match(at(sunday("04:00", "05:00"), "2026-12-01T00:00:00Z"), /2026-12-06T03:00:00Z/);
    });
  });

  it("are told with the window's clock and the time to wait", () => {
    const window = windowSettings.parse(nights);
    const now = new Date("2026-11-25T03:47:30Z");
    const place = placeOf(window, now);
    assert.ok(place);
    assert.equal(
      describeOpening(place.opening, window.timeZone, now),
      "Thu 26 Nov 2026, 02:00 to 05:00 America/Bogota (in 1 d 3 h 13 min)",
    );
    assert.equal(describeHours(window), "tue, thu 02:00–05:00, America/Bogota");
  });

  it("of a configuration that is wrong are refused, with what is allowed", () => {
    const message = (window: object) => windowSettings.safeParse(window).error?.issues[0]?.message ?? "";
    assert.match(message({ timeZone: "Bogota" }), /IANA/);
    assert.match(message({ timeZone: "+05:00" }), /IANA/);
    assert.match(message({ open: [{ from: "9:00", to: "10:00" }] }), /00:00 to 24:00/);
    assert.match(message({ open: [{ from: "02:00", to: "02:00" }] }), /equal/);
    assert.match(message({ open: [{ from: "24:00", to: "02:00" }] }), /use 00:00/);
    assert.match(message({ open: [{ days: [], from: "01:00", to: "02:00" }] }), /small|least|>=1/i);
  });
});
