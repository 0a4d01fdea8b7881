"""Salons, barbers, spas and gyms."""

from __future__ import annotations

TRADES = """
@ hair salon
place: salon; hair salon; hairdresser's
role: stylist; hairdresser; colorist; receptionist; owner
object: my hair; my fringe; my daughter's hair; my mother's hair; my wedding hair
verb: cut; styled; washed; trimmed; colored; brushed; shampooed; dried
service: haircut; blow-dry; trim; coloring; shampoo; perm; makeover
aspects: care; cleanliness; booking; facilities; atmosphere; location; safety
+ my highlights look natural and sunny
+ the layers frame my face beautifully
+ she untangled every knot without pulling once
+ my curls are bouncy and soft and shiny
+ my hair was silky, smooth and smelled like coconut
+ {name} gave me the cutest bob
+ {client} looks adorable with the new fringe
+ she trimmed exactly the half inch I asked for
+ the scalp massage alone is worth the trip
- my highlights turned out orange
- the layers are choppy and uneven
- she ripped through the knots until my eyes watered
- my curls are frizzy, dry and fried
- she cut off four inches instead of one
- {name} gave me a lopsided bob
- {client} looks like a scarecrow with that fringe
- the bleach burned my scalp | safety
- the scissors nicked my ear and it bled | safety
- they butchered my hair
- the dryer was so hot that it burned my neck | safety
- I had bald patches afterwards
+f cutest haircut ever
+f soft, shiny hair
+f love my new look
-f butchered my hair
-f uneven haircut
-f cut way too short
-f not short enough
-f left knots in my hair
. my hair is long and thick
. I wanted two inches off the back

@ barber shop
place: barber shop; barber's
role: barber; apprentice; owner
object: my beard; my hair; my son's hair; his mustache; the back of my neck
verb: trimmed; shaved; cut; clipped; shaped
service: shave; haircut; beard trim; fade; hot towel shave
aspects: care; cleanliness; booking; atmosphere; location; safety
+ the fade was crisp and even
+ {client} squirmed all over the chair and the barber just smiled
+ the razor glided like silk
+ the line around my ears is razor sharp
+ he clipped my toddler's hair while singing to him
+ he left me looking sharp and feeling ten years younger
- the fade was blotchy and uneven
- {client} squirmed once and the barber snapped at him | care
- the razor was dull and left me with a rash | safety
- the clippers pulled my hair and nicked my ear | safety
- he shaved half of my sideburn off
- he cut my chin and dabbed it with a dirty towel | safety
- the back of my neck looks like a staircase
+f sharp fade
+f clean shave
+f best barber around
-f crooked fade
-f razor burn
-f cut my ear
. I asked for a number two on the sides

@ nail salon
place: nail salon; nail bar; studio
role: nail technician; manicurist; receptionist
object: my manicure; my thumbnail; the polish; my pedicure
verb: filed; painted; trimmed; polished; buffed; clipped
service: manicure; pedicure; gel set; nail trim
aspects: care; cleanliness; booking; atmosphere; safety
+ my nails were neat, glossy and lasted three weeks
+ she filed my nails so carefully that I almost dozed off
+ the glitter and the little ribbon were adorable
+ the polish has not chipped at all
- my nails were clipped too short and bled | safety
- the polish chipped within a day
- she filed until my fingers were raw | safety
- my cuticles were ripped and sore | safety
- the foot bath had not been rinsed | cleanliness
- two nails broke on the way home
+f perfect nails
+f glossy and even
-f chipped in a day
-f nails cut too short
-f sore fingers
. I picked a pale pink

@ day spa
place: spa; day spa; wellness center
role: therapist; masseuse; receptionist; attendant
object: my back; my neck; my skin; my sore shoulder
verb: massaged; treated; soaked; rubbed
service: massage; facial; bath; body wrap; sauna session
aspects: care; cleanliness; booking; facilities; atmosphere; location
+ my shoulders melted like butter
+ warm towels, herbal tea and pure bliss
+ the facial left me glowing
+ I floated out of there
+ the lavender bath soothed my itchy skin
- the massage was painful and left bruises | safety
- the oil gave me an itchy rash | safety
- the tub water was cold
- she chatted all through the massage
- the robe was damp and smelled musty | cleanliness
- the facial left me with red blotches | safety
+f pure bliss
+f so relaxing
-f not relaxing
-f painful massage
-f cold tub
. I had a package for two

@ gym
place: gym; fitness club; fitness studio
role: trainer; coach; instructor; receptionist
object: my form; my training plan; my bad knee
verb: corrected; adjusted; checked
service: workout; yoga class; spin class; training session
aspects: cleanliness; booking; facilities; atmosphere; location; account; safety
+ I lost twenty pounds and gained a lot of confidence
+ the trainer pushes you just enough
+ beginners are never laughed at
+ the classes are energetic and fun
- the treadmill belt was frayed | facilities
- the trainer pushed me until I tore a muscle | safety
- beginners are laughed at | staff
- the classes are dull and overcrowded
- my padlock was cut open and my wallet stolen | safety
- sweat puddles on every bench | cleanliness
+f great classes
+f motivating coach
-f dull classes
-f machines always broken
. I go there before work

@ tattoo studio
place: tattoo studio; studio
role: tattoo artist; piercer; apprentice
object: my tattoo; my piercing; my sleeve
verb: inked; designed; cleaned; shaded
service: tattoo; piercing; touch-up; cover-up
aspects: care; cleanliness; booking; atmosphere; safety
+ the lines are crisp and the shading is gorgeous
+ it healed quickly without any swelling
+ she drew three sketches until I was in love with one
- the lines are shaky and blurred
- it got infected and swollen | safety
- the name is misspelled, forever
- the artist had a cigarette break with the needle still lying there | cleanliness
+f gorgeous ink
-f blurry lines
-f misspelled tattoo
. it is my third one
"""
