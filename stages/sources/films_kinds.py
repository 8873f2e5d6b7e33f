"""What films there are: genres, the nouns that their reviews speak of, and the words that titles are made of.

Word lists only. `:p` marks a plural noun (see `grammar.english`).
"""
# ruff: noqa: E501 — an entry stands on one line, however long

# Nouns of every film, by class of clause.
COMMON = {
    "story": "the plot, the script, the ending, the dialogue, the pacing, the premise, the third act, the opening, "
             "the twist, the first half, the story, the subplots:p",
    "people": "the lead, the supporting cast, the villain, the cast, {star}, {costar}, the child actor",
    "makers": "the director, the writers:p, {director}",
    "look": "the camera work, the cinematography, the editing, the lighting, the sets:p, the costumes:p, the production design",
    "sound": "the soundtrack, the score, the sound mix, the music",
}  # fmt: skip

# genre → (mood, which picks the events; nouns by class). The first-named genres are the commonest.
GENRES = {
    "Drama": ("true", {"scene": "the family scenes:p, the courtroom scene, the farewell scene, the quiet moments:p",
                       "people": "the mother, the older brother"}),
    "Comedy": ("light", {"scene": "the jokes:p, the wedding scene, the slapstick, the running gag, the one-liners:p",
                         "people": "the sidekick, the best friend"}),
    "Thriller": ("dark", {"scene": "the interrogation, the chase scenes:p, the hostage scene, the final reveal",
                          "people": "the detective, the stalker", "story": "the suspense"}),
    "Action": ("epic", {"scene": "the chase scenes:p, the fight scenes:p, the shootouts:p, the stunts:p, the car chase",
                        "look": "the explosions:p", "people": "the hero, the henchmen:p"}),
    "Horror": ("dark", {"scene": "the jump scares:p, the basement scene, the exorcism, the gore",
                        "people": "the ghost, the monster", "story": "the atmosphere", "look": "the makeup"}),
    "Romance": ("light", {"scene": "the love scenes:p, the first date, the proposal, the breakup scene",
                          "people": "the couple, the leads:p", "story": "the chemistry, the love triangle"}),
    "Crime": ("dark", {"scene": "the heist, the bank robbery, the stakeout, the prison scenes:p",
                       "people": "the gangsters:p, the crooked cop, the thief"}),
    "Sci-Fi": ("epic", {"scene": "the space battles:p, the landing scene, the robot fights:p", "people": "the android, the crew",
                        "look": "the special effects:p, the spaceship designs:p", "story": "the time travel, the science"}),
    "Fantasy": ("epic", {"scene": "the battle scenes:p, the dragon fight, the magic duels:p",
                         "people": "the wizard, the elves:p", "look": "the creature effects:p, the castle",
                         "story": "the world building, the prophecy"}),
    "Adventure": ("epic", {"scene": "the treasure hunt, the jungle scenes:p, the escape scene", "people": "the explorer, the guide",
                           "look": "the locations:p", "story": "the quest"}),
    "Animation": ("light", {"scene": "the musical numbers:p, the slapstick", "people": "the voice cast, the penguin",
                            "look": "the animation, the backgrounds:p, the character designs:p", "sound": "the songs:p"}),
    "Family": ("light", {"scene": "the dog scenes:p, the snowball fight, the school scenes:p",
                         "people": "the kids:p, the grandfather, the dog", "story": "the message"}),
    "Mystery": ("dark", {"scene": "the dinner scene, the flashbacks:p, the interviews:p", "people": "the inspector, the suspects:p",
                         "story": "the clues:p, the puzzle, the solution"}),
    "Documentary": ("true", {"scene": "the interviews:p, the archive footage, the reenactments:p",
                             "people": "the narrator, the experts:p", "story": "the argument, the subject"}),
    "Biography": ("true", {"scene": "the childhood scenes:p, the concert scenes:p, the press conference",
                           "people": "the impersonation", "look": "the makeup", "story": "the timeline"}),
    "History": ("true", {"scene": "the court scenes:p, the trial, the siege", "people": "the king, the queen",
                         "look": "the period detail", "story": "the politics:p"}),
    "War": ("epic", {"scene": "the battle scenes:p, the trench scenes:p, the landing", "people": "the sergeant, the soldiers:p",
                     "sound": "the sound of gunfire"}),
    "Western": ("epic", {"scene": "the final duel, the saloon scene, the train robbery", "people": "the sheriff, the outlaws:p",
                         "look": "the desert landscapes:p"}),
    "Musical": ("light", {"scene": "the dance numbers:p, the big finale, the duet", "people": "the dancers:p, the singer",
                          "sound": "the songs:p, the choreography", "look": "the stage design"}),
    "Sport": ("true", {"scene": "the boxing scenes:p, the training montage, the final match", "people": "the coach, the team",
                       "story": "the underdog story"}),
}  # fmt: skip

ADJECTIVES = (
    "Silent", "Last", "Broken", "Golden", "Crimson", "Hidden", "Distant", "Wild", "Lonely", "Burning", "Frozen",
    "Secret", "Hollow", "Bitter", "Electric", "Endless", "Forgotten", "Savage", "Quiet", "Paper", "Iron", "Midnight",
    "Second", "Perfect", "Crooked", "Summer", "Winter", "Blue", "Strange", "Northern",
)  # fmt: skip

THINGS = (
    "River", "Harvest", "Kingdom", "Letter", "Mirror", "Horizon", "Garden", "Witness", "Promise", "Station", "Voyage",
    "Orchard", "Shadow", "Summer", "Bridge", "Stranger", "Harbor", "Empire", "Circus", "Signal", "Winter", "Lighthouse",
    "Detective", "Sister", "Road", "Heist", "Island", "Melody", "Castle", "Neighbor", "Train", "Storm",
)  # fmt: skip

FIRST_NAMES = (
    "Anna", "Clara", "Ruth", "Nora", "Maya", "Julia", "Helen", "Grace", "Irene", "Lucy", "Martha", "Diana", "Peter",
    "Victor", "Samuel", "Leo", "Henry", "Oscar", "Daniel", "Thomas", "Marcus", "Edward", "Felix", "Walter",
)  # fmt: skip

LAST_NAMES = (
    "Whitlock", "Marlow", "Harker", "Dunmore", "Ashby", "Keller", "Novak", "Brandt", "Castle", "Pryce", "Lindqvist",
    "Moreau", "Okafor", "Santoro", "Fenwick", "Delgado", "Tanaka", "Rowe", "Hollis", "Varga", "Quill",
)  # fmt: skip
