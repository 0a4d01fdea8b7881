"""Phrases of customers about the people who serve them."""

from __future__ import annotations

PHRASES = """
@ staff
+ {staff} was {very} {nice}
+ {crew} were {nice} and {nice}
+ {crew} were {nice} from start to finish
+ {staff} was {nice} and explained everything
+ I loved how {nice} {staff} was
+ {staff} went above and beyond for us
+ {crew} always greet me with a smile
+ {crew} remembered my name
+ {staff} took the time to listen to what I wanted
+ {staff} answered all my questions with a smile
+ {crew} know what they are doing
+ {crew} treated {client} like family
+ {staff} really cares about the customers
+ you can tell that {crew} love their job
+ {staff} is a true professional
+ {staff} is a gem
+ hats off to {staff}
+ {staff} deserves a raise
+ I appreciated the {virtue} of {staff}
+ the {virtue} of the staff impressed me
+ thanks to {staff} for the {virtue} and the {virtue}
+ {staff} was not {nasty} at all
+ {crew} were never {nasty}
+ nobody was {nasty}, not even during rush hour
+ I have never met a more {nice} {role}
+ {staff} could not have been more helpful
+ nothing was too much trouble for {staff}
+ {crew} bent over backwards to help
+ {staff} stayed late to finish the job
+ {staff} made {client} laugh
+ {staff} put {client} at ease right away
+ {staff} made me feel welcome
+ I felt welcome from the moment I walked in
+ what a {nice} bunch of people
+ the people here are {nice}
+ the {role} was {nice} on the phone
+ {staff} has a great sense of humor
+ {staff} gave us excellent advice
+ {crew} are well trained and courteous
+ such {nice} staff
+ everyone was {nice}, especially {name}
+ {name} is the best {role} in town
+ {name} is worth every penny
+ shout-out to {name} for being so {nice}
+ ask for {name}, you won't regret it
+ {client} adores {name}
+ {client} can't wait to see {name} again
+ {name} even called the next day to check on us
+ {staff} apologized for a tiny delay and offered us a drink
+ {crew} handle every complaint with grace
+ I trust {staff} completely
+ {staff} never tries to sell you things you don't need
+ {staff} treated me with respect
+ {crew} are always in good spirits
+ {crew} take pride in their work
+ the manager was {nice} and put things right immediately
+ the owner is {nice} and hands-on
+ the owner goes out of her way to please people
+ the young trainee was eager and {nice}
+ service with a smile
+ we were met with nothing but kindness
+ {staff} showed endless patience with {client}
+ {staff} cheered me up on a bad day
- {staff} was {very} {nasty}
- {crew} were {nasty} and {nasty}
- {crew} were {nasty} from start to finish
- {staff} was {nasty} and explained nothing
- I can't believe how {nasty} {staff} was
- {staff} did the bare minimum
- {crew} never greet anyone
- {crew} forgot we were there
- {staff} did not listen to a word I said
- {staff} gave me an eye-roll when I asked a question
- {staff} shrugged and walked away
- {crew} have no idea what they are doing
- {crew} treated {client} like a nuisance
- {staff} does not care about the customers
- you can tell that {crew} hate their job
- {staff} has no business working with people
- shame on {staff}
- {staff} should be retrained
- I was put off by the {vice} of {staff}
- the {vice} of the staff shocked me
- I have had enough of the {vice} and the {vice}
- {staff} was not {nice} at all
- {staff} wasn't {nice} in the least
- {crew} were anything but {nice}
- {crew} were far from {nice}
- I wouldn't call {staff} {nice}
- I have never met a more {nasty} {role}
- {staff} could not have been less helpful
- everything was too much trouble for {staff}
- nobody lifted a finger to help
- {staff} kept chatting on the phone while we stood there
- {staff} was glued to a phone the whole time
- {staff} shouted at {client}
- {staff} yelled at me in front of everyone
- {staff} made {client} cry
- {staff} made me feel stupid
- I felt unwelcome from the moment I walked in
- the people here are {nasty}
- the {role} was {nasty} on the phone
- {staff} hung up on me
- {staff} gave us bad advice
- {crew} are poorly trained and {nasty}
- such {nasty} staff
- everyone was {nasty}, especially the manager
- the manager was {nasty} and blamed me for the mistake
- the owner is {nasty} and hides in the back office
- the owner argued with me instead of apologizing
- nobody apologized
- not even an apology
- {staff} lied to my face
- {staff} laughed at my complaint
- {staff} talked down to me
- {staff} ignored {client} completely
- {staff} pressured us into buying things we didn't need
- {staff} showed no respect
- {crew} bickered in front of the customers
- {crew} are always in a foul mood
- {crew} take no pride in their work
- a different {role} every time and none of them cares
- {staff} lost patience with {client}
- {staff} snapped at {client} for no reason
- {staff} smelled of cigarettes
- {staff} walked off in the middle of the job
- the staff need better training
- the staff should learn some manners
- they really need to hire more {nice} people
- I wish the {role} were more {nice}
- {staff} could be more {nice}
- the staff could be friendlier
- a smile would not hurt
- would it kill {staff} to say hello?
+m {staff} was polite enough
+m {crew} seemed nice
+m {staff} was friendly
+m {staff} tried to help
+m the {role} was pleasant
+m the people are nice
+m {staff} was {nice}
+m the staff meant well
-m {staff} seemed a little distracted
-m {staff} was a bit quiet
-m {staff} was not very talkative
-m the {role} was a little abrupt at first
-m {crew} looked tired
-m they were short of staff
-m the trainee was a bit slow
-m {staff} was somewhat shy
+f {nice} staff
+f {nice} and {nice} staff
+f very {nice} team
+f great team
+f {name} is {nice}
+f {name} is the best
+f love {name}
+f {name} rocks
+f thank you, {name}
+f thanks to {name}
+f {nice} {role}
+f always {nice}
+f so {nice} with {client}
+f never {nasty}
+f not {nasty} at all
+f friendly faces
+f wonderful people
+f great with {client}
+f they truly care
+f amazing people
+f big smiles
+f true professionals
+f helpful as always
+f lovely bunch
-f staff need a lesson in manners
-f {nasty} staff
-f {nasty} and {nasty} staff
-f very {nasty} team
-f terrible team
-f {name} is {nasty}
-f {name} is the worst
-f avoid {name}
-f {nasty} {role}
-f always {nasty}
-f so {nasty} with {client}
-f never {nice}
-f not {nice}
-f not {nice} at all
-f no manners
-f bad attitude
-f zero empathy
-f they don't care
-f nobody cares
-f no apology
-f shouted at me
-f ignored us
-f total amateurs
-f unhelpful as always
-f too few staff
-f need more staff
-f staff need training
-f hire nicer people
-f {role} was {nasty}

@ communication
+ {crew} kept me informed at every step
+ they called me as soon as the {service} was ready
+ {staff} explained the whole process in plain words
+ they replied to my email within {short}
+ someone always picks up the phone
+ I got a reminder the day before, which helped
+ {staff} told us exactly what to expect
+ they sent photos so that we could see the progress
+ they listened to my concerns and acted on them
+ communication was {good}
+ communication was clear and prompt
+ I never had to chase them
+ no jargon, just straight answers
+ they were upfront about everything
+ {staff} gave us useful tips for later
+ they asked for my opinion before doing anything
+ they followed my instructions to the letter
+ they understood right away what I wanted
+ {staff} patiently went through all the options
+ they texted me updates along the way
+ every question was answered honestly
+ they owned up to a small mistake and fixed it at once
+ they were open about the delay and kept me posted
+ I was kept in the loop all day
- nobody told me anything
- they never called back
- they ignored my emails
- I left {number} messages and heard nothing
- the phone just rings and rings
- nobody answers the phone
- they put me on hold for {wait}
- they should answer their phone
- {staff} explained nothing
- they did the opposite of what I asked
- they ignored my instructions
- they did not listen to my wishes
- they didn't listen
- communication was {bad}
- communication was nonexistent
- I had to chase them {times}
- I got a different story every time I called
- one hand does not know what the other is doing
- they promised to call and never did
- nobody warned us about the change
- they made decisions without asking me
- they kept us in the dark
- I was passed from one person to the next
- nobody takes responsibility
- my complaint was brushed aside
- they refused to listen to my concerns
- they never got back to me about the complaint
- they deny everything and blame the customer
- I wish they had warned me beforehand
- they could communicate better
- a simple phone call would have been enough
- please train your people to read their email
- why does nobody answer the phone?
- is it so hard to send a message?
- it was a misunderstanding from beginning to end
- the instructions were confusing and incomplete
- they got my name wrong and mixed up the {service}
- they misunderstood everything I said
+m they replied to my email
+m they did call me back
+m they sent me a reminder
+m they explained things well
+m they apologized on the phone
-m it took two calls to reach them
-m they could have called a bit earlier
-m their emails are a little confusing
-m the website is a bit out of date
-m they forgot to send me the reminder
-m the first phone call was a bit confusing
+f clear communication
+f {good_adj} communication
+f kept me informed
+f always call back
+f quick replies
+f honest answers
+f they listen
+f great advice
+f explained everything clearly
+f easy to reach
+f no surprises
-f poor communication
-f {bad_adj} communication
-f no communication
-f never call back
-f no reply
-f no answers
-f nobody listens
-f they did not listen
-f wrong information
-f impossible to reach
-f unanswered calls
-f on hold forever
-f answer your phone
-f please answer the phone
-f ignored my complaint
-f empty promises
-f too many excuses
"""
