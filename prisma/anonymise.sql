-- What of the shop's data is about people, before a copy of production becomes staging's (npm run staging:refresh). It runs on a
-- restored copy that nobody else can connect to, as the role that owns the tables, and sees the schema of the backup.
--
-- The columns below are proved to hold none of the values that they held, and no other column with text holds one either: else
-- the refresh ends there. A new column about people is to be added here, by the change that adds it.
--
-- anonymises: user_profiles.email, user_profiles.first_name, user_profiles.last_name, user_profiles.phone, user_profiles.baby_birth
-- anonymises: addresses.street, addresses.postal_code
-- anonymises: orders.gift_message, orders.delivery_instructions
-- anonymises: payments.reference

UPDATE user_profiles SET
  email = id || '@anonymised.invalid',
  first_name = 'Nombre',
  last_name = 'Apellido ' || left(id::text, 4),
  -- No country has the code 0.
  phone = CASE WHEN phone IS NOT NULL THEN '+0 ' || translate(left(id::text, 8), 'abcdef', '012345') END,
  baby_birth = NULL;

-- The city stays: it is many people's.
UPDATE addresses SET street = 'Calle ' || left(id::text, 8), postal_code = 'CP ' || left(id::text, 4);

UPDATE orders SET gift_message = 'Mensaje' WHERE gift_message IS NOT NULL;
UPDATE orders SET delivery_instructions = 'Instrucciones' WHERE delivery_instructions IS NOT NULL;

-- By which the payment provider knows a person's payment.
UPDATE payments SET reference = 'anonymised-' || id;
