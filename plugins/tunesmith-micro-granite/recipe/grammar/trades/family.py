"""Health, care and teaching."""

from __future__ import annotations

TRADES = """
@ dentist
place: dental practice; dentist's; dental clinic
role: dentist; hygienist; dental nurse; receptionist
object: my tooth; my crown; my filling; my wisdom tooth
verb: cleaned; treated; polished; checked; drilled
service: checkup; filling; cleaning; extraction; root canal
aspects: care; cleanliness; booking; facilities; location; safety
+ I didn't feel a thing
+ the injection was painless
+ {client} is no longer afraid of the drill
+ my gums have stopped bleeding
- the injection was agony | care
- the filling fell out after a week
- he drilled before I was numb | care
- my jaw was swollen for days | safety
- my gums bled all night | safety
- {client} screamed and they kept drilling | care
+f painless
+f no more toothache
+f fear of dentists gone
-f so painful
-f filling fell out
-f drilled without numbing
. I had a toothache
. it was time for my yearly checkup

@ doctor's office
place: clinic; doctor's office; medical practice; surgery
role: doctor; nurse; receptionist; physician
object: my wound; my ear infection; my rash; my sprained ankle
verb: treated; examined; bandaged; cleaned
service: checkup; consultation; vaccination; blood test
aspects: care; cleanliness; booking; facilities; location; safety
+ the doctor listened and found the cause at last
+ the needle was over before I noticed
+ he explained the side effects without being asked | communication
- the doctor typed and never looked up | staff
- the nurse jabbed me five times and left me bruised | care
- they misread my test results
- they gave me the wrong dose | safety
- sick people coughing everywhere and no fresh air | cleanliness
+f great bedside manner
+f right diagnosis
-f wrong diagnosis
-f never examined me
-f wrong dose
. I had a fever and a cough

@ nursery
client: my son; my daughter; our toddler; my grandson; my niece; our little girl; my godchild
place: nursery; kindergarten; daycare; preschool
role: teacher; caregiver; nursery nurse; director
object: his lunch box; her blanket; his jacket; the sandpit
verb: cleaned; prepared; washed; checked
service: playgroup; nap time; drop-off; summer camp; day care
aspects: care; cleanliness; facilities; atmosphere; location; safety
+ {client} skips through the gate every morning | care
+ they send us cute photos of the day | communication
+ {client} comes home tired, happy and covered in paint
+ they cuddle the little ones when they miss home | care
+ {client} has made so many friends
- {client} clings to me and cries at the gate | care
- {client} sat in a wet diaper all day | cleanliness
- {client} came home with bite marks | safety
- {client} came home hungry and filthy | cleanliness
- nobody noticed that {client} had climbed over the fence | safety
- they park the kids in front of a television
+f {client} loves daycare
+f cute daily photos
-f {client} cries at drop-off
-f wet diaper all day
-f kids left unattended
. {client} started there in September
. drop-off is at eight

@ nursing home
client: my grandmother; my grandfather; my mother; my father; my elderly aunt; my uncle
place: nursing home; care home; retirement home
role: nurse; caregiver; aide; matron
object: her room; his wheelchair; her laundry; his medication
verb: cleaned; checked; handled; arranged
service: care; respite stay; afternoon program; bath time
aspects: care; cleanliness; facilities; atmosphere; safety; communication
+ my grandmother is bathed, dressed and smiling every day | care
+ they hold her hand when she is confused | care
+ she has put on weight and sings again
- my grandfather was left in soiled sheets | cleanliness
- she has bedsores and nobody told us | care
- his glasses and teeth keep getting lost
- she was dehydrated and dizzy | safety
+f grandma is happy
+f loving care
-f bedsores
-f soiled sheets
-f left alone for hours
. my grandfather moved in last winter

@ tutor
client: my son; my daughter; our toddler; my grandson; my niece; our little girl; my godchild
place: tutoring center; language school; tutor
role: tutor; teacher; coach
object: my essay; his homework; the math exam; her reading
verb: corrected; explained; checked; prepared
service: lesson; course; exam preparation; tutoring
aspects: booking; care; atmosphere; account
+ {client} went from failing to top of the class
+ fractions finally make sense
+ the lessons are lively and well prepared
- {client} failed the exam anyway
- the tutor reads from the book and yawns
- we learned nothing in ten weeks
- half of the lesson was spent on his phone
+f learned so much
+f grades went up
-f learned nothing
-f boring lessons
-f grades went down
. {client} struggles with fractions

@ optician
place: optician's; eyewear store; optician
role: optician; optometrist; assistant
object: my frame; the left lens; my glasses case; my prescription
verb: adjusted; fitted; cleaned; repaired; checked
service: eye test; fitting; lens change; repair
aspects: returns; booking; care; location
+ I can read street signs again
+ they bent the frame until it sat perfectly behind my ears
- the prescription was wrong and gave me headaches
- the lenses were scratched when I got them
- the frame pinches behind my ears
+f crystal-clear vision
+f perfect fit
-f wrong lenses
-f headaches ever since
. I have worn glasses since school

@ physiotherapist
place: physio practice; physiotherapist's; rehab center
role: physiotherapist; therapist; receptionist
object: my knee; my stiff neck; my hip; my injured shoulder
verb: treated; stretched; massaged; taped
service: treatment; exercise session; back massage; rehab
aspects: care; booking; cleanliness; location; safety
+ I can climb stairs without pain again
+ after three sessions the limp was gone
- my knee swelled up after every session | safety
- I limped out worse than I came in | safety
- ten minutes of heat lamp and then goodbye
+f pain free at last
-f pain got worse
-f limping more than before
. I had surgery in the spring

@ driving school
place: driving school; academy
role: instructor; examiner; office clerk
object: my parking; the clutch control; my test date
verb: corrected; explained; handled
service: driving lesson; theory class; mock test
aspects: booking; care; account; safety
+ I passed at the first attempt
+ he stayed calm when I stalled at the lights
- I failed three times thanks to them
- he shouted when I stalled at the lights | staff
- the instructor grabbed the wheel and swore | staff
+f passed first time
-f failed again
-f instructor kept shouting
. I was a nervous learner

@ swim school
client: my son; my daughter; our toddler; my grandson; my niece; our little girl; my godchild
place: swim school; pool; swimming club
role: swim teacher; lifeguard; coach
object: his breaststroke; her diving; the float
verb: corrected; taught; checked
service: swimming lesson; baby class; water aerobics
aspects: care; cleanliness; booking; facilities; safety
+ {client} went from screaming to splashing happily | care
+ {client} swims like a fish now
+ warm water and gentle teachers | care
- {client} was pushed into the water | safety
- {client} swallowed water and nobody reacted | safety
- the water was freezing and {client} turned blue | facilities
- slimy tiles and hair in the drain | cleanliness
+f swims like a fish
-f freezing water
-f slimy showers
. {client} was afraid of water
"""
