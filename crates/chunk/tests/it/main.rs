mod arbitrary;
mod damage;
mod round_trip;
