// A thermometer with a battery and a second probe, as Dragino's LHT65 sends it on port 2.
function signed(high, low) {
  var value = high << 8 | low;
  return value > 0x7fff ? value - 0x10000 : value;
}

function decodeUplink(input) {
  var b = input.bytes;
  if (input.fPort !== 2) return { errors: ["only port 2 is known"] };
  var data = {
    BatV: ((b[0] << 8 | b[1]) & 0x3fff) / 1000,
    TempC_SHT: signed(b[2], b[3]) / 100,
    Hum_SHT: (b[4] << 8 | b[5]) / 10,
  };
  if (b[6] === 1) data.TempC_DS = signed(b[7], b[8]) / 100;
  return { data: data, warnings: data.BatV < 2.6 ? ["the battery is low"] : [] };
}
