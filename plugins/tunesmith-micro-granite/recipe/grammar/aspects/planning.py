"""Phrases of customers about appointments, opening hours and reservations."""

from __future__ import annotations

PHRASES = """
@ booking
+ booking was easy and quick
+ I got an appointment the same day
+ it is always easy to get an appointment
+ they fit me in on short notice
+ they moved my appointment without any trouble
+ they rescheduled us with no fee when {client} got sick
+ the online calendar works like a charm
+ they open early, which suits people who work
+ the opening hours are perfect for us
+ they are open on weekends, which is a lifesaver
+ I love that they open late on {day}
+ they kept our reservation although we were late
+ our reservation was ready when we arrived
+ plenty of slots to choose from
+ walk-ins are welcome and it works well
+ no problem to change the date at the last minute
+ I never have to wait long for a slot
+ they had our booking on file and everything was prepared
+ they hold a regular slot for me every month
- booking was a nightmare
- it is impossible to get an appointment
- the next free appointment was {days} away
- they canceled my appointment at the last minute
- they canceled on us {times}
- they rescheduled me {times} without asking
- they gave my slot to someone else
- they had no record of my booking
- they lost our reservation
- we had a reservation and they turned us away
- they double-booked and sent us home
- the booking system is broken
- I took a day off and they moved the appointment
- they were closed although the sign said open
- they close far too early
- they should open on weekends
- I wish they would open later
- they need longer opening hours
- opening hours are useless for people who work
- please offer more appointments in the evening
- it would help if they were open on {day}
- they should offer online booking
- they charged a cancellation fee although they canceled
- they mixed up the dates and blamed me
- they refused to change the date when {client} was ill
- they won't take walk-ins even when the {place} is empty
- why bother booking if they ignore it?
- you need to book months ahead
- they overbook and hope that people leave
+m booking was easy
+m I got an appointment quickly
+m the opening hours are convenient
+m they had a slot for us
-m you have to book well ahead
-m it is not easy to get an appointment
-m they are closed on {day}
-m they had to move my appointment once
-m the opening hours are a little short
-m it took a few tries to book
+f easy booking
+f easy to book
+f great hours
+f convenient hours
+f open on weekends
+f flexible appointments
+f same-day appointment
+f easy to reschedule
+f fit us in quickly
-f hard to book
-f impossible to book
-f short opening hours
-f never open
-f always booked up
-f canceled at the last minute
-f canceled again
-f lost my booking
-f lost our reservation
-f no free appointments
-f open longer please
-f should be open on Sundays
-f longer hours please
-f more appointments needed
-f rescheduled {times}

@ location
+ the {place} is easy to find
+ parking is easy and free
+ there is plenty of parking right outside
+ the location could not be more convenient
+ it is a short walk from the station
+ I gladly drive an hour to get here
+ worth the drive from the other side of town
+ it's nice to have a proper {place} so close to home
+ easy access for my wheelchair
- the {place} is impossible to find
- parking is a nightmare
- there is nowhere to park
- I got a ticket because they have no parking
- the location is a pain to get to
- it is too far away to be worth the trip
- there is no ramp, so my mother could not get in
- the neighborhood feels unsafe at night
- they need more parking spaces
- they should put up a sign so that people can find them
- the entrance is blocked by delivery trucks
+m it is close to home
+m parking was easy
+m the location is convenient
-m parking is a bit tricky
-m it is a bit out of the way
-m it is hard to find at first
-m it's a long drive for us
-m parking was tight
+f great location
+f easy parking
+f free parking
+f easy to find
+f close to everything
+f worth the drive
-f bad location
-f no parking
-f terrible parking
-f hard to find
-f too far away
-f not worth the drive
-f more parking needed
-f no wheelchair access
"""
