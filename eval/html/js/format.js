// How numbers are written.

const MINUS = "−";

/** A number with its digits: exact up to a millionth, thousands apart. */
function exact(value) {
  if (value === null || value === undefined) return "-";
  return value.toLocaleString("en-US", { maximumFractionDigits: 6 }).replace("-", MINUS);
}

/** A number with so many significant digits. */
function short(value, digits = 4) {
  if (value === null || value === undefined) return "-";
  if (value !== 0 && Math.abs(value) < 1e-4) return value.toExponential(2).replace("-", MINUS);
  const text = value.toLocaleString("en-US", { maximumSignificantDigits: digits });
  return text.replace("-", MINUS);
}

/** Percents of a fraction, two digits behind the point below ten. */
function percent(fraction) {
  if (fraction === null || fraction === undefined) return "-";
  const value = 100 * fraction;
  return `${value.toFixed(Math.abs(value) < 9.995 ? 2 : 1).replace("-", MINUS)} %`;
}

/** Seconds in a unit that fits. */
function seconds(value) {
  if (value === null || value === undefined) return "-";
  if (value === 0) return "0 s";
  if (value < 1e-3) return `${short(value * 1e6, 3)} µs`;
  if (value < 1) return `${short(value * 1e3, 3)} ms`;
  return `${short(value, value < 100 ? 3 : 6)} s`;
}

/** A value of an axis with its unit. */
function withUnit(value, unit) {
  if (unit === "s") return seconds(value);
  return unit === "x" ? `${short(value, 5)}×` : `${exact(value)}${unit ? ` ${unit}` : ""}`;
}

/** Time of day, "06:05". */
function clock(total) {
  const minutes = Math.floor(total / 60);
  const two = (number) => String(number).padStart(2, "0");
  return `${two(Math.floor(minutes / 60) % 24)}:${two(minutes % 60)}`;
}
